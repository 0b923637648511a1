package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Optional;

/**
 * The loss of one training over its rows: what the caller asked for, with weights whose mean over
 * the training rows is 1, so that the mean over rows is the mean over weights, and the gradient of
 * a batch has the right length on average.
 */
final class TrainingLoss {
  private final RowLoss rowLoss;
  private final Trainer options;
  private final double largestWeight;
  private double heldOutScale = 1;

  private TrainingLoss(RowLoss rowLoss, Trainer options, double largestWeight) {
    this.rowLoss = rowLoss;
    this.options = options;
    this.largestWeight = largestWeight;
  }

  /** Whether a training has another loss than the squared error of rows that all count alike. */
  static boolean isAsked(Trainer options) {
    return !(loss(options) instanceof Squared)
        || options.weights != null
        || options.offset != null
        || options.classWeights != null;
  }

  /**
   * Checks options against each other.
   *
   * @throws IllegalArgumentException if they do not go together
   */
  static void requireConsistent(Trainer options) {
    Loss loss = loss(options);
    if (options.gram) {
      throw new IllegalArgumentException(
          "Gram mode is for the squared error of rows that all count alike; train without it");
    }
    if (options.classWeights != null && !loss.hasClasses()) {
      throw new IllegalArgumentException(
          "class weights are for the logistic loss, found loss '%s'".formatted(loss.name()));
    }
    if (options.automaticRate && !Double.isFinite(loss.curvature())) {
      throw new IllegalArgumentException(
          "no learning rate is known for loss '%s' as its curvature has no bound; give one, %s"
              .formatted(
                  loss.name(), loss.isSmooth() ? "or use lbfgs" : "and a schedule that decays"));
    }
  }

  /**
   * Checks options against data and backend, before anything changes.
   *
   * @throws IllegalArgumentException if they do not fit
   */
  static void requireAccepted(Trainer options, Dataset data, TrainingFile file, Backend backend) {
    Loss loss = loss(options);
    if (file != null) {
      throw new IllegalArgumentException(
          "other losses, weights and offsets are for data in memory; found " + file);
    }
    if (!backend.linear().hasLosses()) {
      throw new IllegalArgumentException(
          "backend '%s' has the squared error alone, found loss '%s' or weights; use a backend in host memory"
              .formatted(backend.name(), loss.name()));
    }
    if (options.classWeights != null && data.targets().size() > 1) {
      throw new IllegalArgumentException(
          "class weights are for one target, found %d; train once for each"
              .formatted(data.targets().size()));
    }
    requireRows("weights", options.weights, data);
    requireRows("offsets", options.offset, data);
    Tensor y = data.y();
    for (long i = 0; i < y.rows(); i++) {
      for (int j = 0; j < y.cols(); j++) {
        double value = y.get(i, j);
        Optional<String> needed = loss.targetRequirement(value);
        if (needed.isPresent()) {
          throw new IllegalArgumentException(
              "loss '%s' needs targets that are %s, found %s in row %,d of '%s'"
                  .formatted(loss.name(), needed.get(), value, i + 1, data.targets().get(j)));
        }
      }
    }
  }

  private static void requireRows(String what, Tensor values, Dataset data) {
    if (values == null) {
      return;
    }
    values.requireHost();
    values.requireCount(data.rows());
    for (long i = 0; i < data.rows(); i++) {
      double value = values.get(i);
      boolean isWeight = what.equals("weights");
      if (!Double.isFinite(value) || (isWeight && value < 0)) {
        throw new IllegalArgumentException(
            "%s must be finite%s, found %s in row %,d"
                .formatted(what, isWeight ? " and not negative" : "", value, i + 1));
      }
    }
    if (what.equals("weights")) {
      requireWeight(values);
    }
  }

  private static void requireWeight(Tensor weights) {
    for (long i = 0; i < weights.count(); i++) {
      if (weights.get(i) > 0) {
        return;
      }
    }
    throw new IllegalArgumentException("all rows have weight 0: nothing is to be fitted");
  }

  static Loss loss(Trainer options) {
    return options.loss == null ? new Squared() : options.loss;
  }

  /**
   * For these rows.
   *
   * @throws IllegalArgumentException if the training rows have no weight
   */
  static TrainingLoss of(Trainer options, Dataset data, TrainingRows rows, TensorArena arena) {
    Loss loss = loss(options);
    Tensor offset = options.offset;
    if (offset != null && (offset.dtype() != data.x().dtype() || !offset.isContiguous())) {
      offset = converted("offsets", offset, data, arena);
    }
    if (options.weights == null && options.classWeights == null) {
      return new TrainingLoss(new RowLoss(loss, null, offset), options, 1);
    }
    Tensor weights = arena.allocate("weights", data.x().dtype(), data.rows()).fill(1);
    if (options.weights != null) {
      weights = converted("weights", options.weights, data, arena);
    }
    if (options.classWeights != null) {
      double[] ofClass = options.classWeights;
      if (ofClass.length == 0) {
        ofClass = balanced(weights, data, rows);
      }
      for (long i = 0; i < data.rows(); i++) {
        weights.set(i, weights.get(i) * ofClass[data.y().get(i, 0) == 0 ? 0 : 1]);
      }
    }
    double mean = sum(weights, rows) / rows.trained();
    if (!(mean > 0)) {
      throw new IllegalArgumentException(
          "all training rows have weight 0: nothing is to be fitted");
    }
    if (mean == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(
          "the sum of the weights is beyond the range of numbers; divide them by their largest");
    }
    double all = 0;
    for (long i = 0; i < data.rows(); i++) {
      weights.set(i, weights.get(i) / mean);
      all += weights.get(i);
    }
    // Of those held out nothing is in a gradient.
    TrainingLoss made =
        new TrainingLoss(new RowLoss(loss, weights, offset), options, largest(weights, rows));
    double heldOut = all - sum(weights, rows);
    if (rows.heldOut() > 0 && !(heldOut > 1e-9 * all)) {
      throw new IllegalArgumentException(
          "all held-out rows have weight 0, so that there is no loss to watch; hold out none, or others by another seed");
    }
    made.heldOutScale = heldOut > 0 ? rows.heldOut() / heldOut : 1;
    return made;
  }

  private static Tensor converted(String name, Tensor from, Dataset data, TensorArena arena) {
    Tensor to = arena.allocate(name, data.x().dtype(), data.rows());
    for (long i = 0; i < data.rows(); i++) {
      to.set(i, from.get(i));
    }
    return to;
  }

  private static double sum(Tensor weights, TrainingRows rows) {
    double[] sum = new double[1];
    rows.visitTrained(row -> sum[0] += weights.get(row));
    return sum[0];
  }

  private static double largest(Tensor weights, TrainingRows rows) {
    double[] largest = new double[1];
    rows.visitTrained(row -> largest[0] = Math.max(largest[0], weights.get(row)));
    return largest[0];
  }

  /** {@code S / (2 S_c)} with the sum S of the training rows' weights, and S_c of a class. */
  private static double[] balanced(Tensor weights, Dataset data, TrainingRows rows) {
    double[] sums = new double[2];
    rows.visitTrained(row -> sums[data.y().get(row, 0) == 0 ? 0 : 1] += weights.get(row));
    if (!(sums[0] > 0 && sums[1] > 0)) {
      throw new IllegalArgumentException(
          "classes cannot be balanced: the training rows' weights are %s of class 0 and %s of class 1"
              .formatted(sums[0], sums[1]));
    }
    double all = sums[0] + sums[1];
    return new double[] {all / (2 * sums[0]), all / (2 * sums[1])};
  }

  RowLoss rowLoss() {
    return rowLoss;
  }

  Loss loss() {
    return rowLoss.loss();
  }

  /**
   * The mean size of the training rows' losses at parameters that are all zero, summed over
   * outputs.
   */
  double ofZeros(Dataset data, TrainingRows rows) {
    double[] sum = new double[1];
    double[] z = new double[1];
    double[] y = new double[1];
    double[] s = new double[1];
    Tensor weights = rowLoss.weights();
    Tensor offset = rowLoss.offset();
    rows.visitTrained(
        row -> {
          s[0] = weights == null ? 1 : weights.get(row);
          for (int j = 0; j < data.targets().size(); j++) {
            z[0] = offset == null ? 0 : offset.get(row);
            y[0] = data.y().get(row, j);
            sum[0] += Math.abs(loss().differentiate(z, y, s, 1));
          }
        });
    return sum[0] / rows.trained();
  }

  /** What the mean over held-out rows is to be multiplied by, to be one over their weights. */
  double heldOutScale() {
    return heldOutScale;
  }

  /** By how much the curvature of this loss may be above that of the squared error. */
  double curvatureFactor() {
    return loss().curvature() / 2 * largestWeight;
  }

  /** The loss with the caller's weights alone, by which its fit is measured. */
  RowLoss asGiven() {
    return new RowLoss(loss(), options.weights, options.offset);
  }
}
