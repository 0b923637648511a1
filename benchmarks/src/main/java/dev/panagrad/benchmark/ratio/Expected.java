package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;

/**
 * A result in double precision.
 *
 * @param values the result
 * @param magnitudes for each value the sum of its terms' magnitudes, which rounding errors are in
 *     proportion to
 */
public record Expected(double[] values, double[] magnitudes) {
  /**
   * The largest error seen is 2.6e-6: OpenBLAS, which sums a million rows in F32. A term that is
   * left out of a sum of up to 100,000 is more than this, one of a million is not.
   */
  private static final double TOLERANCE = 5e-6;

  public Optional<String> disagreement(Tensor found) {
    for (int i = 0; i < values.length; i++) {
      double error = Math.abs(found.get(i) - values[i]);
      // Negated, so that NaN is a disagreement.
      if (!(error <= TOLERANCE * magnitudes[i])) {
        return Optional.of(
            "element %d is %.9g, expected %.9g".formatted(i, found.get(i), values[i]));
      }
    }
    return Optional.empty();
  }

  /** {@code 2/n (X W^T - Y)^T X}, as long as W: one row for every output. */
  public static Expected gradient(Tensor x, Tensor y, Tensor w) {
    return gradient(x, y, w, (z, target) -> 2 * (z - target));
  }

  /** {@code 1/n (sigmoid(X W^T) - Y)^T X}. */
  static Expected logistic(Tensor x, Tensor y, Tensor w) {
    return gradient(x, y, w, (z, target) -> 1 / (1 + Math.exp(-z)) - target);
  }

  private static Expected gradient(Tensor x, Tensor y, Tensor w, DoubleBinaryOperator derivative) {
    int rows = Math.toIntExact(x.rows());
    int features = Math.toIntExact(x.cols());
    int outputs = Math.toIntExact(w.rows());
    double[] weights = w.toArray();
    double[] sums = new double[outputs * features];
    double[] magnitudes = new double[outputs * features];
    double[] row = new double[features];
    MemorySegment memory = NativeView.of(x);
    MemorySegment targets = NativeView.of(y);
    for (int i = 0; i < rows; i++) {
      for (int f = 0; f < features; f++) {
        row[f] = memory.getAtIndex(ValueLayout.JAVA_FLOAT, (long) i * features + f);
      }
      for (int j = 0; j < outputs; j++) {
        double z = 0;
        for (int f = 0; f < features; f++) {
          z += row[f] * weights[j * features + f];
        }
        double target = targets.getAtIndex(ValueLayout.JAVA_FLOAT, (long) i * outputs + j);
        double factor = derivative.applyAsDouble(z, target) / rows;
        addScaled(factor, row, sums, magnitudes, j * features);
      }
    }
    return new Expected(sums, magnitudes);
  }

  private static void addScaled(
      double factor, double[] row, double[] sums, double[] magnitudes, int to) {
    for (int f = 0; f < row.length; f++) {
      double term = factor * row[f];
      sums[to + f] += term;
      magnitudes[to + f] += Math.abs(term);
    }
  }

  /** The same numbers as a matrix of that many rows, turned. */
  Expected transposed(int rows) {
    int cols = values.length / rows;
    double[] turned = new double[values.length];
    double[] turnedMagnitudes = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      int to = i % cols * rows + i / cols;
      turned[to] = values[i];
      turnedMagnitudes[to] = magnitudes[i];
    }
    return new Expected(turned, turnedMagnitudes);
  }

  /** {@code A x}. */
  static Expected product(Tensor a, double[] x) {
    int cols = x.length;
    double[] left = a.toArray();
    double[] values = new double[left.length / cols];
    double[] magnitudes = new double[values.length];
    for (int i = 0; i < left.length; i++) {
      values[i / cols] += left[i] * x[i % cols];
      magnitudes[i / cols] += Math.abs(left[i] * x[i % cols]);
    }
    return new Expected(values, magnitudes);
  }

  /** {@code x . y}. */
  static Expected dot(Tensor x, Tensor y) {
    double sum = 0;
    double magnitude = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += x.get(i) * y.get(i);
      magnitude += Math.abs(x.get(i) * y.get(i));
    }
    return new Expected(new double[] {sum}, new double[] {magnitude});
  }

  /** {@code A B}. */
  static Expected product(Tensor a, Tensor b) {
    int rows = Math.toIntExact(a.rows());
    int inner = Math.toIntExact(a.cols());
    int cols = Math.toIntExact(b.cols());
    double[] left = a.toArray();
    double[] right = b.toArray();
    double[] values = new double[rows * cols];
    double[] magnitudes = new double[rows * cols];
    double[] sum = new double[cols];
    double[] magnitude = new double[cols];
    for (int i = 0; i < rows; i++) {
      Arrays.fill(sum, 0);
      Arrays.fill(magnitude, 0);
      for (int k = 0; k < inner; k++) {
        addScaled(left[i * inner + k], right, k * cols, sum, magnitude);
      }
      System.arraycopy(sum, 0, values, i * cols, cols);
      System.arraycopy(magnitude, 0, magnitudes, i * cols, cols);
    }
    return new Expected(values, magnitudes);
  }

  private static void addScaled(
      double factor, double[] row, int from, double[] sum, double[] magnitude) {
    for (int j = 0; j < sum.length; j++) {
      double term = factor * row[from + j];
      sum[j] += term;
      magnitude[j] += Math.abs(term);
    }
  }
}
