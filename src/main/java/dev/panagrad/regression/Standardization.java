package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * Shifts and scales of features and targets: {@code z = (x - mean) / scale}, with the mean and the
 * population standard deviation of the rows it is fitted on.
 *
 * <p>Standardised features give least squares a far better condition number, so that one learning
 * rate fits all coordinates. Without an intercept nothing is shifted, since a shift would need one
 * to be undone; scales are then root mean squares. Targets are scaled too, so that the learning
 * rate of Adam and RMSProp, whose steps have the size of the rate whatever the gradient, does not
 * depend on the targets' unit.
 *
 * <p>A column that is constant on the fitted rows has scale 1 and becomes zero there; its
 * coefficient stays zero.
 */
public final class Standardization {
  private final double[] xMean;
  private final double[] xScale;
  private final boolean[] constant;
  private final double[] yMean;
  private final double[] yScale;

  private Standardization(
      double[] xMean, double[] xScale, boolean[] constant, double[] yMean, double[] yScale) {
    this.xMean = xMean;
    this.xScale = xScale;
    this.constant = constant;
    this.yMean = yMean;
    this.yScale = yScale;
  }

  private Standardization(Columns x, Columns y) {
    this(x.mean, x.scale, x.constant, y.mean, y.scale);
  }

  /** The identity: raw units. */
  public static Standardization none(long features, long targets) {
    return new Standardization(
        new Columns(Math.toIntExact(features)), new Columns(Math.toIntExact(targets)));
  }

  /**
   * Fits means and scales.
   *
   * @param x features [n, d]
   * @param y targets [n, k]
   * @param index the rows to fit on, I64, or null for all
   * @param count rows to fit on: the first of {@code index}, or all
   * @param shift whether to subtract means: only if the model has an intercept
   */
  public static Standardization fit(Tensor x, Tensor y, Tensor index, long count, boolean shift) {
    return new Standardization(
        Columns.fit(x, index, count, shift), Columns.fit(y, index, count, shift));
  }

  /**
   * The same with one scale for all targets, their root mean square: an L1 penalty, whose strength
   * has the targets' unit, is then scaled alike for all of them.
   */
  public Standardization withCommonTargetScale() {
    double squares = 0;
    for (double scale : yScale) {
      squares += scale * scale;
    }
    double common = Math.sqrt(squares / yScale.length);
    double[] scales = new double[yScale.length];
    Arrays.fill(scales, common);
    return new Standardization(xMean, xScale, constant, yMean, scales);
  }

  /** Standardises all rows in place. */
  public void applyInPlace(Tensor x, Tensor y) {
    apply(x, xMean, xScale);
    apply(y, yMean, yScale);
  }

  private static void apply(Tensor t, double[] mean, double[] scale) {
    t.requireWritable();
    for (long i = 0; i < t.rows(); i++) {
      for (int f = 0; f < mean.length; f++) {
        t.set(i, f, (t.get(i, f) - mean[f]) / scale[f]);
      }
    }
  }

  /**
   * The model in raw units for weights [k, d] and intercepts [k] (or null) in the standardised
   * space.
   */
  public LinearModel unfold(Tensor w, Tensor b, List<String> features, List<String> targets) {
    double[][] coefficients = new double[yMean.length][xMean.length];
    double[] intercept = new double[yMean.length];
    for (int j = 0; j < intercept.length; j++) {
      double sum = b == null ? 0 : b.get(j) * yScale[j] + yMean[j];
      for (int f = 0; f < xMean.length; f++) {
        coefficients[j][f] = constant[f] ? 0 : w.get(j, f) * yScale[j] / xScale[f];
        sum -= coefficients[j][f] * xMean[f];
      }
      intercept[j] = sum;
    }
    return new LinearModel(features, targets, coefficients, intercept);
  }

  /** Factor from the mean squared error of a standardised target to raw units. */
  public double lossScale(int target) {
    return yScale[target] * yScale[target];
  }

  /** The scale of a target. */
  public double targetScale(int target) {
    return yScale[target];
  }

  /** Whether a feature is constant on the fitted rows. */
  public boolean isConstant(int feature) {
    return constant[feature];
  }

  /** Means and scales of the columns of one matrix. */
  private static final class Columns {
    final double[] mean;
    final double[] scale;
    final boolean[] constant;

    Columns(int cols) {
      mean = new double[cols];
      scale = new double[cols];
      constant = new boolean[cols];
      Arrays.fill(scale, 1);
    }

    /** Two passes: the mean first, then the squares around it, which does not cancel. */
    static Columns fit(Tensor t, Tensor index, long count, boolean shift) {
      Columns columns = new Columns(Math.toIntExact(t.cols()));
      int cols = columns.mean.length;
      double[] low = new double[cols];
      double[] high = new double[cols];
      Arrays.fill(low, Double.POSITIVE_INFINITY);
      Arrays.fill(high, Double.NEGATIVE_INFINITY);
      for (long i = 0; i < count; i++) {
        long row = index == null ? i : index.getLong(i);
        for (int f = 0; f < cols; f++) {
          double value = t.get(row, f);
          columns.mean[f] += (value - columns.mean[f]) / (i + 1);
          low[f] = Math.min(low[f], value);
          high[f] = Math.max(high[f], value);
        }
      }
      for (int f = 0; f < cols; f++) {
        columns.constant[f] = shift ? low[f] == high[f] : low[f] == 0 && high[f] == 0;
        if (!shift) {
          columns.mean[f] = 0;
        } else if (columns.constant[f]) {
          columns.mean[f] = low[f];
        }
      }
      double[] squares = new double[cols];
      for (long i = 0; i < count; i++) {
        long row = index == null ? i : index.getLong(i);
        for (int f = 0; f < cols; f++) {
          double centred = t.get(row, f) - columns.mean[f];
          squares[f] += centred * centred;
        }
      }
      for (int f = 0; f < cols; f++) {
        double deviation = Math.sqrt(squares[f] / count);
        if (deviation == Double.POSITIVE_INFINITY) {
          throw new IllegalArgumentException(
              "column %d of tensor '%s' is too large to standardise: its squares are beyond F64"
                  .formatted(f + 1, t.name()));
        }
        // Squares of a column that varies by less than 1e-162 are zero.
        double spread = deviation == 0 ? high[f] - low[f] : deviation;
        columns.scale[f] = columns.constant[f] ? 1 : spread;
      }
      return columns;
    }
  }
}
