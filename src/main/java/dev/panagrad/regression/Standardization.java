package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * Shifts and scales features and targets: {@code z = (x - mean) / scale}, with the mean and the
 * population standard deviation of the rows it is fitted on.
 *
 * <p>Standardized features give least squares a far better condition number, so that one learning
 * rate fits all coordinates. Without an intercept nothing is shifted, as that would need one to be
 * undone; scales are then root mean squares. Targets are scaled too, so that the rate of Adam and
 * RMSProp, whose steps are as large as the rate, does not depend on the targets' unit.
 *
 * <p>A column that is constant on the fitted rows has scale 1 and becomes zero there; its
 * coefficient stays zero.
 */
public final class Standardization {
  private static final int MAX_COLUMNS = 1 << 26; // with four numbers of 8 bytes for each
  private final ColumnMoments x;
  private final ColumnMoments y;

  private Standardization(ColumnMoments x, ColumnMoments y) {
    this.x = x;
    this.y = y;
  }

  /** Returns the identity: raw units. */
  public static Standardization none(long features, long targets) {
    return new Standardization(
        new ColumnMoments(Checks.size("features", features, 0, MAX_COLUMNS)),
        new ColumnMoments(Checks.size("targets", targets, 0, MAX_COLUMNS)));
  }

  /**
   * Fits means and scales of features [n, d] and targets [n, k], of unweighted rows.
   *
   * @param index the rows to fit on, I64, or null for all
   * @param count rows to fit on, at least 1: the first of {@code index}, or all
   * @param shift whether to subtract means: only if the model has an intercept
   */
  public static Standardization fit(Tensor x, Tensor y, Tensor index, long count, boolean shift) {
    return fit(x, y, index, count, shift, null);
  }

  /**
   * Fits weighted means and deviations. A row of weight 0 has no part in them, whatever it holds,
   * and the weights' common factor has none.
   *
   * @param weights of the rows, by row number [n], finite, at least 0; null if all are 1
   * @throws IllegalArgumentException if a weight is another number, or all are 0
   */
  public static Standardization fit(
      Tensor x, Tensor y, Tensor index, long count, boolean shift, Tensor weights) {
    return fit(null, x, y, index, count, shift, weights);
  }

  /** Fits weighted means and deviations of the first positions on a backend's threads. */
  public static Standardization fit(Backend backend, Batch batch, long count, boolean shift) {
    DenseRows rows = batch.rows();
    return fit(backend, rows.x(), rows.y(), batch.index(), count, shift, rows.weights());
  }

  private static Standardization fit(
      Backend backend,
      Tensor x,
      Tensor y,
      Tensor index,
      long count,
      boolean shift,
      Tensor weights) {
    Checks.count("rows", count);
    return new Standardization(
        ColumnMoments.fit(backend, x, index, count, shift, weights),
        ColumnMoments.fit(backend, y, index, count, shift, weights));
  }

  /**
   * Returns it with one scale for all targets, their root mean square: an L1 penalty, whose
   * strength has the targets' unit, is then scaled alike for all of them.
   */
  public Standardization withCommonTargetScale() {
    double squares = 0;
    for (double scale : y.scale) {
      squares += scale * scale;
    }
    return new Standardization(x, y.withScale(Math.sqrt(squares / y.scale.length)));
  }

  public Standardization withRawTargets() {
    return new Standardization(x, new ColumnMoments(targets()));
  }

  /** Reads what {@link #writeTo} wrote. */
  public static Standardization of(Tensor moments, int features) {
    int all = Checks.size("columns of '" + moments.name() + "'", moments.cols(), 0, MAX_COLUMNS);
    Checks.size("features of '" + moments.name() + "'", features, 0, all);
    moments.requireShape(Shape.of(4, all));
    return new Standardization(
        ColumnMoments.of(moments, 0, features), ColumnMoments.of(moments, features, all));
  }

  /**
   * Writes means, what rounding left out of them, scales, and 1 for each constant column: F64 [4,
   * features + targets].
   */
  public void writeTo(Tensor moments) {
    moments.requireShape(Shape.of(4, (long) features() + targets()));
    moments.requireWritable();
    x.writeTo(moments, 0);
    y.writeTo(moments, x.mean.length);
  }

  /**
   * Takes known moments, of rows that are not here: means are subtracted, zeros for a model without
   * intercept, and scales, above 0, divided by.
   *
   * @throws IllegalArgumentException if lengths differ, or a value is not finite or no scale
   */
  public static Standardization of(
      double[] featureMean, double[] featureScale, double[] targetMean, double[] targetScale) {
    return new Standardization(
        ColumnMoments.of("feature", featureMean, featureScale),
        ColumnMoments.of("target", targetMean, targetScale));
  }

  /** Standardizes all rows in place, unless columns do not fit or memory is read-only. */
  public void applyInPlace(Tensor features, Tensor targets) {
    applyInPlace(null, features, targets);
  }

  /** Standardizes all rows in place on a backend's threads. */
  public void applyInPlace(Backend backend, Tensor features, Tensor targets) {
    requireColumns(features, x);
    requireColumns(targets, y);
    apply(backend, features, x);
    apply(backend, targets, y);
  }

  private static void requireColumns(Tensor t, ColumnMoments moments) {
    t.requireHost();
    t.requireWritable();
    if (t.cols() != moments.mean.length || !t.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "tensor %s was to be standardized, and %d columns of F32 or F64 are known"
              .formatted(t, moments.mean.length));
    }
  }

  private static void apply(Backend backend, Tensor t, ColumnMoments moments) {
    RowChunks.map(backend, t.rows(), t.cols(), (first, end) -> apply(t, moments, first, end), t);
  }

  private static long apply(Tensor t, ColumnMoments moments, long first, long end) {
    RowStrip strip = new RowStrip(t);
    double[] values = strip.values;
    double[] mean = strip.perCell(moments.mean);
    double[] rest = strip.perCell(moments.rest);
    double[] scale = strip.perCell(moments.scale);
    for (long row = first; row < end; row += strip.rows()) {
      int count = (int) Math.min(strip.rows(), end - row);
      strip.load(null, row, count);
      for (int i = 0; i < values.length; i++) {
        values[i] = (values[i] - mean[i] - rest[i]) / scale[i];
      }
      strip.store(row, count);
    }
    return end - first;
  }

  /** Returns the model in raw units for standardized weights [k, d] and intercepts [k] or null. */
  public LinearModel unfold(Tensor w, Tensor b, List<String> features, List<String> targets) {
    double[][] weights = new double[y.mean.length][];
    Arrays.setAll(weights, j -> w.rows(j, 1).toArray());
    return unfold(weights, b == null ? null : b.toArray(), features, targets);
  }

  /** Returns the model in raw units for standardized weights [k][d] and intercepts [k] or null. */
  public LinearModel unfold(double[][] w, double[] b, List<String> features, List<String> targets) {
    requireNumbers("rows of weights", w.length, y.mean.length);
    requireNumbers("intercepts", b == null ? y.mean.length : b.length, y.mean.length);
    for (double[] row : w) {
      requireNumbers("weights", row.length, x.mean.length);
    }
    double[][] coefficients = new double[y.mean.length][x.mean.length];
    double[] intercept = new double[y.mean.length];
    for (int j = 0; j < intercept.length; j++) {
      double sum = b == null ? 0 : b[j] * y.scale[j] + y.rest[j] + y.mean[j];
      for (int f = 0; f < x.mean.length; f++) {
        coefficients[j][f] = x.constant[f] ? 0 : w[j][f] * y.scale[j] / x.scale[f];
        sum -= coefficients[j][f] * (x.mean[f] + x.rest[f]);
      }
      intercept[j] = sum;
    }
    return new LinearModel(features, targets, coefficients, intercept);
  }

  /**
   * Writes a model into weights [k, d] and intercepts [k] or null of these units, host tensors:
   * what {@link #unfold} undoes. A constant feature's part goes into the intercept.
   *
   * @throws ModelMismatchException if it has an intercept, and b is null
   */
  public void fold(LinearModel model, Tensor w, Tensor b) {
    requireNumbers("features of the model", model.features().size(), x.mean.length);
    requireNumbers("targets of the model", model.targets().size(), y.mean.length);
    w.requireShape(Shape.of(y.mean.length, x.mean.length));
    if (b != null) {
      b.requireCount(y.mean.length);
    }
    for (int j = 0; j < y.mean.length; j++) {
      double[] folded = fold(model.coefficients()[j], model.intercept(j), j);
      for (int f = 0; f < x.mean.length; f++) {
        w.set(j, f, folded[f]);
      }
      double rest = folded[x.mean.length];
      if (b != null) {
        b.set(j, rest);
      } else if (rest != 0) {
        throw new ModelMismatchException(
            "the model has intercept %s for target '%s', and there is none here"
                .formatted(rest * y.scale[j], model.targets().get(j)));
      }
    }
  }

  /** Returns a target's standardized weights, then its intercept, which unfold to these. */
  public double[] fold(double[] coefficients, double intercept, int target) {
    requireNumbers("coefficients", coefficients.length, x.mean.length);
    double[] folded = new double[x.mean.length + 1];
    double unit = targetScale(target);
    double sum = intercept - y.mean[target] - y.rest[target];
    for (int f = 0; f < x.mean.length; f++) {
      folded[f] = x.constant[f] ? 0 : coefficients[f] * x.scale[f] / unit;
      sum += coefficients[f] * (x.mean[f] + x.rest[f]);
    }
    folded[x.mean.length] = sum / unit;
    return folded;
  }

  /**
   * Returns the gradient of a standardized target's loss by standardized weights, then by its
   * intercept, for that of the raw loss by coefficients, then by the intercept.
   */
  public double[] foldGradient(double[] raw, int target) {
    requireNumbers("derivatives", raw.length, x.mean.length + 1);
    double unit = targetScale(target);
    double ones = raw[x.mean.length];
    double[] folded = new double[raw.length];
    for (int f = 0; f < x.mean.length; f++) {
      double centered = raw[f] - (x.mean[f] + x.rest[f]) * ones;
      folded[f] = x.constant[f] ? 0 : centered / (x.scale[f] * unit);
    }
    folded[x.mean.length] = ones / unit;
    return folded;
  }

  private static void requireNumbers(String what, int found, int needed) {
    if (found != needed) {
      throw new IllegalArgumentException(
          "%d %s were given, and the standardization has %d".formatted(found, what, needed));
    }
  }

  /** True if all values that it was fitted on were finite. */
  public boolean isFinite() {
    return x.isFinite() && y.isFinite();
  }

  public int features() {
    return x.mean.length;
  }

  public int targets() {
    return y.mean.length;
  }

  /** True if anything is subtracted, which only a model with an intercept can undo. */
  public boolean isShifted() {
    return x.isShifted() || y.isShifted();
  }

  /** Standardizes a value of a feature; zero where the feature is constant. */
  public double standardizedFeature(double value, int feature) {
    return x.constant[feature(feature)] ? 0 : x.standardized(value, feature);
  }

  public double standardizedTarget(double value, int target) {
    return y.standardized(value, target(target));
  }

  /** Returns a standardized target in the units of the table. */
  public double rawTarget(double value, int target) {
    return y.raw(value, target(target));
  }

  /** Returns the factor from the mean squared error of a standardized target to raw units. */
  public double lossScale(int target) {
    return targetScale(target) * targetScale(target);
  }

  /** Returns what is subtracted from a feature. */
  public double featureMean(int feature) {
    return x.mean[feature(feature)];
  }

  /** Returns the scale of a feature; 1 where it is constant. */
  public double featureScale(int feature) {
    return x.scale[feature(feature)];
  }

  /** Returns what is subtracted from a target. */
  public double targetMean(int target) {
    return y.mean[target(target)];
  }

  public double targetScale(int target) {
    return y.scale[target(target)];
  }

  /** Returns a text that differs where shifts or scales do, to the last bit. */
  public String fingerprint() {
    return x.fingerprint() + ", " + y.fingerprint();
  }

  /**
   * Returns the distance between neighboring F32 numbers at a feature's mean, in its deviations:
   * what there is of it in F32 is rounded to that. A constant feature's is in its own units.
   */
  public double f32Step(int feature) {
    return Math.ulp((float) x.mean[feature(feature)]) / x.scale[feature];
  }

  public boolean isConstant(int feature) {
    return x.constant[feature(feature)];
  }

  private int feature(int feature) {
    return Checks.index("the standardization", "feature", feature, x.mean.length);
  }

  private int target(int target) {
    return Checks.index("the standardization", "target", target, y.mean.length);
  }
}
