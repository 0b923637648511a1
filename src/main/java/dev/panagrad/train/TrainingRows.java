package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The rows of one training: which are trained on and which are held out, in which order they are
 * visited, and where they lie. A position is a place in that order; training rows come first.
 */
final class TrainingRows {
  private final Dataset data;
  private final Backend backend;
  private final long trained;
  private final long batchSize;
  private final boolean shuffled;
  private final RowOrder order;
  private final Tensor index;
  private final Standardization standardization;
  private final Tensor x;
  private final Tensor y;

  /**
   * Checks options against the data, then standardises if it is asked for.
   *
   * @throws IllegalArgumentException if an option does not fit the data; nothing has changed then
   */
  TrainingRows(Trainer options, Dataset data, Backend backend, TensorArena arena) {
    if (options.standardize) {
      requireStandardizable(data);
    }
    this.data = data;
    this.backend = backend;
    long heldOut = heldOut(options, data);
    trained = data.rows() - heldOut;
    if (options.batchSize > trained) {
      throw new IllegalArgumentException(
          "batch size %,d is larger than the %,d training rows; use a full batch"
              .formatted(options.batchSize, trained));
    }
    batchSize = options.batchSize == Trainer.FULL_BATCH ? trained : options.batchSize;
    if (options.gram) {
      requireGram();
    }
    shuffled = options.shuffle && batchSize < trained;
    order = heldOut > 0 || shuffled ? RowOrder.of(arena, data.rows(), heldOut, options.seed) : null;
    standardization = standardize(options);
    Backend.Rows placed = backend.placeRows(arena, data.x(), data.y());
    x = placed.x();
    y = placed.y();
    index = order == null ? null : onSideOf(x, order.index(), arena);
  }

  /** Rows that stay in host memory are gathered there, by row numbers beside them. */
  private Tensor onSideOf(Tensor rows, Tensor numbers, TensorArena arena) {
    return rows.isHost() ? numbers : backend.place(arena, numbers);
  }

  /** Before the first value changes. */
  private static void requireStandardizable(Dataset data) {
    data.x().requireHost();
    data.y().requireHost();
    data.x().requireWritable();
    data.y().requireWritable();
    data.x().requireDisjoint(data.y());
  }

  /** Before the first value changes, and before anything is allocated. */
  private void requireGram() {
    if (batchSize < trained) {
      throw new IllegalArgumentException(
          "Gram mode computes the gradient of all %,d training rows, found batch size %,d; use a full batch, or no Gram mode"
              .formatted(trained, batchSize));
    }
    NormalEquations.requireAccepted(backend, data.features().size(), data.targets().size());
  }

  private static long heldOut(Trainer options, Dataset data) {
    if (data.rows() < 1) {
      throw new IllegalArgumentException("there are no rows to train on");
    }
    if (options.validationFraction == 0) {
      return 0;
    }
    long heldOut = Math.round(options.validationFraction * data.rows());
    if (heldOut < 1 || heldOut >= data.rows()) {
      throw new IllegalArgumentException(
          "validation fraction %s of %,d rows holds out %,d; at least one row must be on each side"
              .formatted(options.validationFraction, data.rows(), heldOut));
    }
    return heldOut;
  }

  private Standardization standardize(Trainer options) {
    if (!options.standardize) {
      return Standardization.none(data.features().size(), data.targets().size());
    }
    Tensor fitted = order == null ? null : order.index();
    Standardization fit =
        Standardization.fit(data.x(), data.y(), fitted, trained, options.intercept);
    if (options.optimizer.penalty().l1() > 0) {
      fit = fit.withCommonTargetScale();
    }
    fit.applyInPlace(data.x(), data.y());
    return fit;
  }

  /** What was done to the data, to be undone in the model. */
  Standardization standardization() {
    return standardization;
  }

  /** Rows trained on. */
  long trained() {
    return trained;
  }

  /** Rows held out. */
  long heldOut() {
    return data.rows() - trained;
  }

  /** Rows per step; the last batch of an epoch may have fewer. */
  long batchSize() {
    return batchSize;
  }

  /** Puts the training rows into the order of an epoch, from 0: a function of seed and epoch. */
  void begin(long epoch) {
    if (shuffled) {
      order.shuffle(epoch);
      if (index != order.index()) {
        backend.copy(order.index(), index);
      }
    }
  }

  /** Gradient and loss on the rows at these positions. */
  void computeGradient(LinearRegression regression, long first, long count, Tensor loss) {
    regression.computeGradient(x, y, index, first, count, loss);
  }

  /** The normal equations of the training rows. */
  NormalEquations normalEquations(TensorArena arena, boolean intercept) {
    return NormalEquations.of(backend, arena, x, y, index, 0, trained, intercept);
  }

  /** Mean over training rows of the squared targets, summed over outputs: the loss of zeros. */
  double meanSquareOfTargets() {
    double mean = 0;
    for (long i = 0; i < trained; i++) {
      double squares = 0;
      for (int j = 0; j < data.targets().size(); j++) {
        double value = target(i, j);
        squares += value * value;
      }
      mean += (squares - mean) / (i + 1);
    }
    return mean;
  }

  /** Sum over training rows of the squared deviations of a target from its mean. */
  double squaredDeviations(int output) {
    double mean = 0;
    for (long i = 0; i < trained; i++) {
      mean += (target(i, output) - mean) / (i + 1);
    }
    double squares = 0;
    for (long i = 0; i < trained; i++) {
      double deviation = target(i, output) - mean;
      squares += deviation * deviation;
    }
    return squares;
  }

  private double target(long position, int output) {
    long row = order == null ? position : order.index().getLong(position);
    return data.y().get(row, output);
  }

  /** Features that are constant on the training rows, if that was looked at. */
  List<String> constantFeatures() {
    return IntStream.range(0, data.features().size())
        .filter(standardization::isConstant)
        .mapToObj(data.features()::get)
        .toList();
  }

  /** What must be the same for a training to go on where another one stopped. */
  Map<String, String> identity(Trainer options) {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("training.rows", Long.toString(trained));
    identity.put("training.rows held out", Long.toString(heldOut()));
    identity.put("training.batch size", Long.toString(batchSize));
    identity.put("training.shuffle", Boolean.toString(shuffled));
    identity.put("training.seed", Long.toString(options.seed));
    identity.put("training.intercept", Boolean.toString(options.intercept));
    identity.put("training.gram", Boolean.toString(options.gram));
    identity.put("training.standardisation", standardization.fingerprint());
    identity.put("training.features", Fingerprint.of(data.features()));
    identity.put("training.targets", Fingerprint.of(data.targets()));
    identity.put("training.target values", Fingerprint.of(data.y()));
    return identity;
  }
}
