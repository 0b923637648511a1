package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.function.LongConsumer;

/**
 * Rows that are all in memory, or in a mapped file that is taken to be: any row may be next to any
 * other in an epoch.
 */
final class InMemoryRows extends TrainingRows {
  private final Dataset data;
  private final Backend backend;
  private final long trained;
  private final boolean shuffled;
  private final RowOrder order;
  private final Tensor index;
  private final Standardization standardization;

  /** Of a file; null for data of the caller, whose values are looked at when it is asked for. */
  private final String fingerprint;

  private final Tensor x;
  private final Tensor y;

  /**
   * Checks options against the data, then standardizes if it is asked for.
   *
   * @param file where the data are from, or null
   * @throws IllegalArgumentException if an option does not fit the data; nothing has changed then
   */
  InMemoryRows(
      Trainer options, Dataset data, TrainingFile file, Backend backend, TensorArena arena) {
    super(options, data, data.rows() - heldOut(options, data));
    if (options.standardize) {
      requireStandardizable(data);
    }
    this.data = data;
    this.backend = backend;
    trained = trained();
    if (options.gram) {
      requireGram();
    }
    shuffled = options.shuffle && batchSize() < trained;
    order =
        heldOut() > 0 || shuffled ? RowOrder.of(arena, data.rows(), heldOut(), options.seed) : null;
    standardization = file == null ? standardize(options) : file.standardization();
    fingerprint = file == null ? null : file.fingerprint();
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
    if (batchSize() < trained) {
      throw new IllegalArgumentException(
          "Gram mode computes the gradient of all %,d training rows, found batch size %,d; use a full batch, or no Gram mode"
              .formatted(trained, batchSize()));
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
    if (TrainingLoss.isAsked(options)) {
      fit = fit.withRawTargets();
    }
    fit = StandardizedPenalty.scales(fit, StandardizedPenalty.objective(options.optimizer));
    fit.applyInPlace(data.x(), data.y());
    return fit;
  }

  @Override
  Standardization standardization() {
    return standardization;
  }

  @Override
  void begin(long epoch) {
    if (shuffled) {
      order.shuffle(epoch);
      if (index != order.index()) {
        backend.copy(order.index(), index);
      }
    }
  }

  @Override
  long contiguousFrom(long first, long count) {
    return count;
  }

  @Override
  void computeGradient(LinearRegression regression, long first, long count, Tensor loss) {
    regression.computeGradient(x, y, index, first, count, loss);
  }

  @Override
  double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts) {
    long first = isHeldOut ? trained : 0;
    long count = isHeldOut ? heldOut() : trained;
    regression.computeGradient(x, y, index, first, count, log.next(count));
    log.read();
    double[] losses = new double[data.targets().size()];
    for (int j = 0; j < losses.length; j++) {
      losses[j] = log.loss(0, j);
    }
    return losses;
  }

  @Override
  NormalEquations normalEquations(Backend host, TensorArena arena, boolean intercept) {
    Tensor numbers = order == null ? null : order.index();
    return NormalEquations.of(host, arena, data.x(), data.y(), numbers, 0, trained, intercept);
  }

  @Override
  void visitTrained(LongConsumer visitor) {
    for (long i = 0; i < trained; i++) {
      visitor.accept(order == null ? i : order.index().getLong(i));
    }
  }

  @Override
  String order() {
    return shuffled ? "shuffled" : "in their order";
  }

  @Override
  String fingerprint() {
    return fingerprint == null
        ? "%s, %s".formatted(Fingerprint.of(data.x()), Fingerprint.of(data.y()))
        : fingerprint;
  }
}
