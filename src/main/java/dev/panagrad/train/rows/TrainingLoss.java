package dev.panagrad.train.rows;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;

/**
 * The loss of one training over its rows: what the caller asked for, with weights whose mean over
 * the training rows is 1, so that the mean over rows is the mean over weights, and the gradient of
 * a batch has the right length on average.
 *
 * @param weights of the rows, 0 for those that are not used, or null
 * @param offset of the rows, or null
 * @param heldOutScale what the mean over held-out rows is to be multiplied by, to be one over their
 *     weights
 * @param loss the caller's, in the units that targets are trained in
 */
public record TrainingLoss(
    LossPlan plan, Tensor weights, Tensor offset, double heldOutScale, Loss loss) {
  private static final int MOST_ROWS = 100_000; // that a constant is estimated from

  /** The loss over these rows, whose targets are in raw units. */
  public static TrainingLoss of(LossPlan plan, TrainingRows rows, TensorArena arena) {
    Dataset data = rows.data();
    Tensor offset = plan.offset();
    if (offset != null && (offset.dtype() != data.x().dtype() || !offset.isContiguous())) {
      offset = converted("offsets", offset, 1, data, arena);
    }
    if (plan.weights() == null && plan.classWeights() == null) {
      return new TrainingLoss(plan, null, offset, 1, plan.loss());
    }
    Tensor weights;
    try (TensorArena scratch = TensorArena.open("weights as F64")) {
      Tensor relative = relative(plan, rows, scratch);
      double mean = sum(relative, rows, false) / rows.trained();
      weights = converted("weights", relative, mean, data, arena);
    }
    double heldOut = sum(weights, rows, true);
    if (rows.heldOut() > 0 && !(heldOut > 0 && heldOut < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "the weights of the held-out rows sum to %s times the mean weight of the training rows, so that there is no loss to watch; hold out none, or others by another seed"
              .formatted(heldOut));
    }
    // Held-out rows have no part in a gradient.
    double scale = heldOut > 0 ? rows.heldOut() / heldOut : 1;
    return new TrainingLoss(plan, weights, offset, scale, plan.loss());
  }

  /**
   * The rows' weights, times those of their classes, in units of the largest of the training rows,
   * so that sums of weights from 1e-300 to 1e300 are in the range of numbers.
   */
  private static Tensor relative(LossPlan plan, TrainingRows rows, TensorArena scratch) {
    Tensor weights = scratch.allocate("weights", DType.F64, rows.data().rows());
    for (boolean isHeldOut : new boolean[] {false, true}) {
      rows.visit(
          isHeldOut, row -> weights.set(row, plan.weights() == null ? 1 : plan.weights().get(row)));
    }
    divide(weights, rows);
    if (plan.classWeights() != null) {
      List<Double> ofClass =
          plan.classWeights().isEmpty() ? balanced(weights, rows) : plan.classWeights();
      for (long i = 0; i < weights.count(); i++) {
        double factor = ofClass.get(rows.data().y().get(i, 0) == 0 ? 0 : 1);
        weights.set(i, weights.get(i) * factor);
      }
      divide(weights, rows);
    }
    return weights;
  }

  /** Divides by the largest weight of a training row. */
  private static void divide(Tensor weights, TrainingRows rows) {
    double[] largest = new double[1];
    rows.visitTrained(row -> largest[0] = Math.max(largest[0], weights.get(row)));
    for (long i = 0; i < weights.count(); i++) {
      weights.set(i, weights.get(i) / largest[0]);
    }
  }

  private static Tensor converted(
      String name, Tensor from, double divisor, Dataset data, TensorArena arena) {
    Tensor to = arena.allocate(name, data.x().dtype(), data.rows());
    for (long i = 0; i < data.rows(); i++) {
      to.set(i, from.get(i) / divisor);
    }
    return to;
  }

  private static double sum(Tensor weights, TrainingRows rows, boolean isHeldOut) {
    double[] sum = new double[1];
    rows.visit(isHeldOut, row -> sum[0] += weights.get(row));
    return sum[0];
  }

  /** {@code S / (2 S_c)} with the sum S of the training rows' weights, and S_c of a class. */
  private static List<Double> balanced(Tensor weights, TrainingRows rows) {
    double[] sums = new double[2];
    rows.visitTrained(row -> sums[rows.data().y().get(row, 0) == 0 ? 0 : 1] += weights.get(row));
    if (!(sums[0] > 0 && sums[1] > 0)) {
      throw new IllegalArgumentException(
          "classes cannot be balanced: the training rows' weights are %s of class 0 and %s of class 1"
              .formatted(sums[0], sums[1]));
    }
    double all = sums[0] + sums[1];
    return List.of(all / (2 * sums[0]), all / (2 * sums[1]));
  }

  /** The same of targets in these units, which share one scale unless they are least squares'. */
  public TrainingLoss in(Standardization units) {
    Loss scaled = plan.isLeastSquares() ? loss : plan.loss().inUnits(units.targetScale(0));
    return new TrainingLoss(plan, weights, offset, heldOutScale, scaled);
  }

  /** What a loss in these units is to be multiplied by, to be in those of the table. */
  public double unit(Standardization units, int target) {
    return loss.degree() == 1 ? units.targetScale(target) : units.lossScale(target);
  }

  public boolean isLeastSquares() {
    return plan.isLeastSquares();
  }

  /** The mean size of the training rows' losses at zero, summed over outputs. */
  public double ofZeros(TrainingRows rows) {
    Dataset data = rows.data();
    double[] sum = new double[1];
    double[] z = new double[1];
    double[] y = new double[1];
    double[] s = new double[1];
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

  /** The best constant prediction of each output, from at most 100,000 of the training rows. */
  public double[] constants(TrainingRows rows) {
    Dataset data = rows.data();
    int count = (int) Math.min(rows.trained(), MOST_ROWS);
    long every = Math.ceilDiv(rows.trained(), (long) count);
    double[] constants = new double[data.targets().size()];
    for (int j = 0; j < constants.length; j++) {
      double[] y = new double[count];
      double[] offsets = new double[count];
      double[] s = new double[count];
      int output = j;
      long[] seen = new long[1];
      rows.visitTrained(
          row -> {
            if (seen[0] % every == 0) {
              int i = (int) (seen[0] / every);
              y[i] = data.y().get(row, output);
              offsets[i] = offset == null ? 0 : offset.get(row);
              s[i] = weights == null ? 1 : weights.get(row);
            }
            seen[0]++;
          });
      constants[j] = loss().constant(y, offsets, s);
    }
    return constants;
  }

  /** A bound on a row's curvature, as a multiple of that of its weighted squared error. */
  public double curvatureFactor() {
    return loss().curvature() / 2;
  }

  /** The fit of a model to the training rows, by the caller's weights alone. */
  FitMetrics fit(LinearRegression regression, TrainingRows rows) {
    return FitMetrics.of(plan, regression, rows.data(), rows);
  }
}
