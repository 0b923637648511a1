package dev.panagrad.regression;

import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.rule.Checks;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Holds a fitted linear model in raw units, in double precision: immutable, independent of any
 * backend or arena.
 *
 * <p>A prediction is the same bits by every {@code predict}, in whatever batch, on every machine:
 * products of eight lanes of features are summed in an order that depends on the number of features
 * only, in double precision; F32 features are widened first, and predictions into an F32 tensor are
 * rounded once. With features f = 0, 1, ..., lane l sums those with f mod 8 = l, the last d mod 8
 * features are added to the intercept from left to right, and the sums of the lanes are added as
 * ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), then the rest.
 *
 * <p>A prediction is the linear predictor z, whatever the loss that the model was fitted for: for
 * the logistic loss the log odds, which {@link #score} is the name of. What is expected of the
 * target is its response, {@link Loss#mean} of z: a {@link #probability} for the logistic loss, a
 * count for Poisson's (infinite for z above 709.78), z itself without a link. Exponentials may
 * differ by a last bit between machines. A feature that is NaN makes the prediction NaN.
 *
 * <p>A model that was fitted with offsets predicts with one, {@code predict(row, target, offset)}:
 * without it, it throws {@link IllegalStateException}. {@link #withOffset withOffset(false)} is
 * what it predicts for an offset of 0.
 *
 * <p>Models are equal if names, loss and bits of coefficients and intercepts are.
 *
 * <p>Threading: may be shared freely. No {@code predict} or {@code response} allocates. A service
 * that changes its model while it runs holds it in a {@link ServedModel}.
 */
public final class LinearModel {
  private final List<String> features;
  private final List<String> targets;
  private final double[][] coefficients;
  private final double[] intercept;
  private final Loss loss;
  private final boolean hasOffset;
  private final TableEncoding encoding; // null if features are columns as they are

  /** Makes a model of the squared error: coefficients [target][feature] and intercepts [target]. */
  public LinearModel(
      List<String> features, List<String> targets, double[][] coefficients, double[] intercept) {
    this(copy(coefficients), intercept.clone(), features, targets, new Squared());
  }

  /** A model that keeps the arrays, which are no one else's. */
  LinearModel(
      double[][] coefficients,
      double[] intercept,
      List<String> features,
      List<String> targets,
      Loss loss) {
    this(coefficients, intercept, features, targets, loss, false, null);
  }

  private LinearModel(
      double[][] coefficients,
      double[] intercept,
      List<String> features,
      List<String> targets,
      Loss loss,
      boolean hasOffset,
      TableEncoding encoding) {
    if (coefficients.length != targets.size() || intercept.length != targets.size()) {
      throw new IllegalArgumentException(
          "%d targets need as many rows of coefficients and intercepts, found %d and %d"
              .formatted(targets.size(), coefficients.length, intercept.length));
    }
    for (int j = 0; j < coefficients.length; j++) {
      if (coefficients[j].length != features.size()) {
        throw new IllegalArgumentException(
            "target '%s' has %d coefficients for %d features"
                .formatted(targets.get(j), coefficients[j].length, features.size()));
      }
    }
    this.features = List.copyOf(features);
    this.targets = List.copyOf(targets);
    this.coefficients = coefficients;
    this.intercept = intercept;
    this.loss = Objects.requireNonNull(loss, "loss");
    this.hasOffset = hasOffset;
    this.encoding = encoding;
    if (encoding != null && !encoding.features().equals(this.features)) {
      throw new IllegalArgumentException(
          "an %s is not of the model's %d features".formatted(encoding, features.size()));
    }
  }

  /** Returns the same coefficients, fitted for that loss. */
  public LinearModel withLoss(Loss fitted) {
    return new LinearModel(coefficients, intercept, features, targets, fitted, hasOffset, encoding);
  }

  /** Returns the same coefficients, fitted with offsets or without. */
  public LinearModel withOffset(boolean isFittedWithOffset) {
    return new LinearModel(
        coefficients, intercept, features, targets, loss, isFittedWithOffset, encoding);
  }

  /** Returns the same coefficients, with the encoding that makes their features, or null. */
  public LinearModel withEncoding(TableEncoding of) {
    return new LinearModel(coefficients, intercept, features, targets, loss, hasOffset, of);
  }

  /** Says how a table's columns become the features; empty if they are columns as they are. */
  public Optional<TableEncoding> encoding() {
    return Optional.ofNullable(encoding);
  }

  /** Returns the two values of a target of classes as tables have them; empty for 0 and 1. */
  public Optional<ClassLabels> classes(int target) {
    requireTarget(target);
    return encoding().map(e -> e.classes(target));
  }

  /**
   * Computes the response of one target for a row of numbers and texts by the names of its columns;
   * errors are those of {@link TableEncoding#encode}. Allocates the features.
   *
   * @throws IllegalStateException if the model has no encoding, or was fitted with offsets
   */
  public double response(Map<String, ?> row, int target) {
    double[] encoded = new double[features.size()];
    encoding()
        .orElseThrow(() -> new IllegalStateException("the model has no encoding of tables"))
        .encode(row, encoded);
    return response(encoded, target);
  }

  /** True if predictions need an offset, as the rows had that it was fitted on. */
  public boolean hasOffset() {
    return hasOffset;
  }

  /** True if the coefficients and the intercept of a target are finite. */
  public boolean isFinite(int target) {
    double sum = intercept(target);
    for (double coefficient : coefficients[target]) {
      sum += coefficient * 0; // not finite if any is not, and cannot overflow
    }
    return Double.isFinite(sum);
  }

  /** Throws an IllegalArgumentException with the target that has numbers that are not finite. */
  void requireFinite() {
    for (int j = 0; j < intercept.length; j++) {
      if (!isFinite(j)) {
        throw new IllegalArgumentException(
            "the model has a coefficient or intercept of target '%s' that is not finite: its training diverged; use the model before"
                .formatted(Excerpt.of(targets.get(j))));
      }
    }
  }

  /**
   * Returns this model with features and targets in another order, and zeros for features that it
   * does not have.
   *
   * @param other the loss that it is to be of
   * @throws ModelMismatchException if it has a feature or target that is not there, lacks a target,
   *     or is of another loss
   * @throws IllegalArgumentException if a coefficient is not finite
   */
  public LinearModel in(List<String> otherFeatures, List<String> otherTargets, Loss other) {
    requireFinite();
    if (!loss.equals(other)) {
      throw new ModelMismatchException(
          "the model is of loss '%s' where '%s' is trained".formatted(loss.text(), other.text()));
    }
    if (otherTargets.size() != targets.size() || !targets.containsAll(otherTargets)) {
      throw new ModelMismatchException(
          "the model has targets %s where %s are trained"
              .formatted(Excerpt.of(targets), Excerpt.of(otherTargets)));
    }
    FeatureOrder order = FeatureOrder.of(features, otherFeatures);
    double[][] w = new double[targets.size()][otherFeatures.size()];
    double[] b = new double[targets.size()];
    for (int j = 0; j < b.length; j++) {
      int from = targets.indexOf(otherTargets.get(j));
      b[j] = intercept[from];
      for (int f = 0; f < features.size(); f++) {
        w[j][order.column(f)] = coefficients[from][f];
      }
    }
    boolean isSame = otherFeatures.equals(features) && otherTargets.equals(targets);
    return new LinearModel(
        w, b, otherFeatures, otherTargets, loss, hasOffset, isSame ? encoding : null);
  }

  public Loss loss() {
    return loss;
  }

  /** Returns the feature names, in the order of the coefficients. */
  public List<String> features() {
    return features;
  }

  public List<String> targets() {
    return targets;
  }

  public double coefficient(int target, int feature) {
    Checks.index("the model", "feature", feature, features.size());
    return coefficients[requireTarget(target)][feature];
  }

  /** Returns a copy of all coefficients, [target][feature]. */
  public double[][] coefficients() {
    return copy(coefficients);
  }

  private static double[][] copy(double[][] rows) {
    return Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
  }

  public double intercept(int target) {
    return intercept[requireTarget(target)];
  }

  public double[] intercepts() {
    return intercept.clone();
  }

  /**
   * Computes the prediction of one target, the linear predictor, for a row [features] in raw units.
   *
   * @throws IllegalArgumentException if the row has another length
   * @throws IndexOutOfBoundsException if there is no such target
   * @throws IllegalStateException if the model was fitted with offsets
   */
  public double predict(double[] row, int target) {
    requireNoOffset();
    return linear(row, target);
  }

  private double linear(double[] row, int target) {
    requireTarget(target);
    requireRow(row);
    return RowProduct.of(intercept[target], coefficients[target], row);
  }

  /** Adds the row's offset to {@link #predict(double[], int)}; the model may be fitted without. */
  public double predict(double[] row, int target, double offset) {
    return linear(row, target) + offset;
  }

  /** Returns {@link #predict(double[], int)}: the log odds for the logistic loss. */
  public double score(double[] row, int target) {
    return predict(row, target);
  }

  /**
   * Computes the probability of class 1.
   *
   * @throws IllegalStateException if the model is of a loss without classes
   */
  public double probability(double[] row, int target) {
    if (!loss.hasClasses()) {
      throw new IllegalStateException(
          "a model of loss '%s' has no probabilities: response() is what it expects of the target"
              .formatted(loss.name()));
    }
    return response(row, target);
  }

  /**
   * Computes the predictions of all targets, from a row [features] in raw units into another array
   * [targets].
   *
   * @throws IllegalArgumentException if an array has another length, or both are the same; nothing
   *     is written then
   */
  public void predict(double[] row, double[] out) {
    requireNoOffset();
    requireRow(row);
    if (out.length != intercept.length) {
      throw new IllegalArgumentException(
          "the model has %d targets, the array for predictions %d"
              .formatted(intercept.length, out.length));
    }
    if (row == out) {
      throw new IllegalArgumentException(
          "the row and its predictions are the same array: two separate ones are needed");
    }
    for (int j = 0; j < out.length; j++) {
      out[j] = RowProduct.of(intercept[j], coefficients[j], row);
    }
  }

  public void predict(Tensor x, Tensor out) {
    predict(x, 0, x.rows(), out);
  }

  /**
   * Predicts all targets for {@code count} rows from {@code first}, each into the row of the same
   * number, so that slots of one pair of buffers can be filled and predicted by turns.
   *
   * @param x features in raw units [n, features], F32 or F64 in host memory, any row stride
   * @param out receives the predictions [n, targets], or [n] for one target, F32 or F64 whatever
   *     the type of {@code x}, any row stride; rounded once
   * @throws IllegalArgumentException if a shape or type does not fit, or the tensors share memory;
   *     nothing is written then
   * @throws IndexOutOfBoundsException if the range is not inside; nothing is written then
   * @throws IllegalStateException if memory has been freed or is on a device; nothing is written
   *     then
   */
  public void predict(Tensor x, long first, long count, Tensor out) {
    predict(x, first, count, out, false);
  }

  /** Computes the response of one target, {@link Loss#mean} of its prediction. */
  public double response(double[] row, int target) {
    return loss.mean(predict(row, target));
  }

  /** Computes the response of one target with the row's offset. */
  public double response(double[] row, int target, double offset) {
    return loss.mean(predict(row, target, offset));
  }

  /** Computes the responses of all targets; arguments and errors are those of {@link #predict}. */
  public void response(double[] row, double[] out) {
    predict(row, out);
    for (int j = 0; j < out.length; j++) {
      out[j] = loss.mean(out[j]);
    }
  }

  public void response(Tensor x, Tensor out) {
    response(x, 0, x.rows(), out);
  }

  /** Computes the responses of all targets; arguments and errors are those of {@link #predict}. */
  public void response(Tensor x, long first, long count, Tensor out) {
    predict(x, first, count, out, true);
  }

  private void predict(Tensor x, long first, long count, Tensor out, boolean isResponse) {
    requireNoOffset();
    requireMatrix(x, features.size(), "features");
    requireMatrix(out, intercept.length, "targets");
    if (out.rows() != x.rows()) {
      throw new IllegalArgumentException(
          "tensor '%s' has %,d rows, '%s' for its predictions %,d"
              .formatted(x.name(), x.rows(), out.name(), out.rows()));
    }
    if (first < 0 || count < 0 || first > x.rows() - count) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' has %,d rows: rows [%d, %d + %d) are not inside"
              .formatted(x.name(), x.rows(), first, first, count));
    }
    out.requireWritable();
    out.requireDisjoint(x);
    for (long i = first; i < first + count; i++) {
      predictRow(x, out, i, isResponse);
    }
  }

  private void predictRow(Tensor x, Tensor out, long i, boolean isResponse) {
    boolean isF32 = x.dtype() == DType.F32;
    MemorySegment from = x.segment();
    long at = x.byteOffset() + i * x.rowStride() * x.dtype().bytes();
    for (int j = 0; j < intercept.length; j++) {
      double[] w = coefficients[j];
      double z =
          isF32
              ? RowProduct.ofF32(intercept[j], w, from, at)
              : RowProduct.ofF64(intercept[j], w, from, at);
      Cells.set(out, i * out.rowStride() + j, isResponse ? loss.mean(z) : z);
    }
  }

  private void requireNoOffset() {
    if (hasOffset) {
      throw new IllegalStateException(
          "the model was fitted with offsets and predicts with one: predict(row, target, offset) or response(row, target, offset); withOffset(false) leaves it out");
    }
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof LinearModel other
        && hasOffset == other.hasOffset
        && loss.equals(other.loss)
        && features.equals(other.features)
        && targets.equals(other.targets)
        && Objects.equals(encoding, other.encoding)
        && Arrays.equals(intercept, other.intercept)
        && Arrays.deepEquals(coefficients, other.coefficients);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        features, targets, Arrays.hashCode(intercept), Arrays.deepHashCode(coefficients));
  }

  /** Returns one line, however many features there are. */
  @Override
  public String toString() {
    return "linear model of %d features, target%s %s, loss %s%s"
        .formatted(
            features.size(),
            targets.size() == 1 ? "" : "s",
            Excerpt.of(String.join(", ", targets)),
            loss.text(),
            hasOffset ? ", with offset" : "");
  }

  private int requireTarget(int target) {
    return Checks.index("the model", "target", target, intercept.length);
  }

  private void requireRow(double[] row) {
    if (row.length != features.size()) {
      throw new IllegalArgumentException(
          "the model has %d features, the row %d".formatted(features.size(), row.length));
    }
  }

  private static void requireMatrix(Tensor t, long cols, String what) {
    if (!t.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "tensor '%s' is %s where F32 or F64 is needed".formatted(t.name(), t.dtype()));
    }
    if (t.shape().rank() > 2 || t.cols() != cols) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where one row for each prediction and %d columns are needed, the model's %s"
              .formatted(t.name(), t.shape(), cols, what));
    }
    t.requireHost();
  }
}
