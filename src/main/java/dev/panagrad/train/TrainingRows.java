package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * The rows of one training: which are trained on and which are held out, in which order they are
 * visited, and where they lie. A position is a place in that order; training rows come first.
 */
abstract class TrainingRows {
  static final String NONE = "none";

  private final Dataset data;
  private final long trained;
  private final long batchSize;
  private final long stepRows;

  /**
   * Checks the batch size.
   *
   * @throws IllegalArgumentException if it is more than the training rows
   */
  TrainingRows(Trainer options, Dataset data, long trained) {
    this.data = data;
    this.trained = trained;
    if (options.batchSize > trained) {
      throw new IllegalArgumentException(
          "batch size %,d is larger than the %,d training rows; use a full batch"
              .formatted(options.batchSize, trained));
    }
    batchSize = options.batchSize == Trainer.FULL_BATCH ? trained : options.batchSize;
    if (batchSize == trained && (options.accumulate > 1 || options.varianceReduced)) {
      throw new IllegalArgumentException(
          "batches of all %,d training rows leave nothing to %s; use smaller ones"
              .formatted(
                  trained, options.accumulate > 1 ? "accumulate" : "reduce the variance of"));
    }
    stepRows = options.accumulate > trained / batchSize ? trained : batchSize * options.accumulate;
  }

  /** Rows trained on. */
  final long trained() {
    return trained;
  }

  /** Rows held out. */
  final long heldOut() {
    return data.rows() - trained;
  }

  /** Rows per batch; the last one of an epoch may have fewer. */
  final long batchSize() {
    return batchSize;
  }

  /** Rows per step, of one batch or several; the last step of an epoch may have fewer. */
  final long stepRows() {
    return stepRows;
  }

  /** What was done to the data, to be undone in the model. */
  abstract Standardization standardization();

  /** Puts the training rows into the order of an epoch, from 0: a function of seed and epoch. */
  abstract void begin(long epoch);

  /** How many positions from one on {@link #computeGradient} takes at once, at least 1. */
  abstract long contiguousFrom(long first, long count);

  /** Computes gradient and losses at these positions, in increasing order within an epoch. */
  abstract void computeGradient(LinearRegression regression, long first, long count, Tensor loss);

  /** The mean loss of each output on the training rows or on those held out. */
  final double[] losses(LinearRegression regression, boolean isHeldOut, LossLog log) {
    return losses(regression, isHeldOut, log, null);
  }

  /**
   * The mean loss of each output on the training rows or on those held out, in any order.
   *
   * @param parts takes in the gradients, so that in the end that of all these rows is where the
   *     regression keeps it; null if it is not needed
   */
  abstract double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts);

  /** The largest squared length of a training row's features: one pass. */
  final double largestSquaredLength() {
    Tensor x = data.x();
    double[] largest = new double[1];
    visitTrained(
        row -> {
          double squares = 0;
          for (long f = 0; f < x.cols(); f++) {
            double value = x.get(row, f);
            squares += value * value;
          }
          largest[0] = Math.max(largest[0], squares);
        });
    return largest[0];
  }

  /**
   * The normal equations of the training rows.
   *
   * @param host sums them, in host memory
   */
  abstract NormalEquations normalEquations(Backend host, TensorArena arena, boolean intercept);

  /** Visits the numbers of the training rows. */
  abstract void visitTrained(LongConsumer visitor);

  /** How rows are ordered, for {@link #identity}. */
  abstract String order();

  /** A text that differs where values do. */
  abstract String fingerprint();

  /**
   * Sums over the targets of the training rows.
   *
   * @param meanSquare of all targets of a row together: the loss of a model of zeros
   * @param squaredDeviations of each target from its mean
   */
  record TargetSums(double meanSquare, List<Double> squaredDeviations) {}

  /** One pass over the targets (Welford 1962). */
  final TargetSums targetSums() {
    int outputs = data.targets().size();
    double[] mean = new double[outputs];
    double[] deviations = new double[outputs];
    double[] square = new double[1];
    long[] seen = new long[1];
    visitTrained(
        row -> {
          seen[0]++;
          double squares = 0;
          for (int j = 0; j < outputs; j++) {
            double value = data.y().get(row, j);
            double before = value - mean[j];
            mean[j] += before / seen[0];
            deviations[j] += before * (value - mean[j]);
            squares += value * value;
          }
          square[0] += (squares - square[0]) / seen[0];
        });
    return new TargetSums(
        square[0], IntStream.range(0, outputs).mapToObj(j -> deviations[j]).toList());
  }

  /** Features that are constant on the training rows, if that was looked at. */
  final List<String> constantFeatures() {
    return IntStream.range(0, data.features().size())
        .filter(standardization()::isConstant)
        .mapToObj(data.features()::get)
        .toList();
  }

  private static String fingerprint(Tensor values) {
    return values == null ? NONE : Fingerprint.of(values);
  }

  /** What must be the same for a training to go on where another one stopped. */
  final Map<String, String> identity(Trainer options) {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("training.rows", Long.toString(trained));
    identity.put("training.rows held out", Long.toString(heldOut()));
    identity.put("training.batch size", Long.toString(batchSize));
    identity.put("training.order", order());
    identity.put("training.seed", Long.toString(options.seed));
    identity.put("training.intercept", Boolean.toString(options.intercept));
    identity.put("training.gram", Boolean.toString(options.gram));
    Loss loss = TrainingLoss.loss(options);
    identity.put(
        "training.loss", loss instanceof Record ? loss.toString() : loss.getClass().getName());
    identity.put("training.weights", fingerprint(options.weights));
    identity.put("training.offset", fingerprint(options.offset));
    identity.put(
        "training.class weights",
        options.classWeights == null ? NONE : Arrays.toString(options.classWeights));
    identity.put("training.batches per step", Long.toString(options.accumulate));
    identity.put(
        "training.rate reduction",
        options.rateReduction == null ? NONE : options.rateReduction.toString());
    identity.put("training.variance reduction", Boolean.toString(options.varianceReduced));
    identity.put("training.standardization", standardization().fingerprint());
    identity.put("training.features", Fingerprint.of(data.features()));
    identity.put("training.targets", Fingerprint.of(data.targets()));
    identity.put("training.values", fingerprint());
    return identity;
  }
}
