package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * A result in double precision.
 *
 * @param values the result
 * @param magnitudes for each value the sum of its terms' magnitudes, which rounding errors are in
 *     proportion to
 */
record Expected(double[] values, double[] magnitudes) {
  /**
   * The largest error seen is 2.6e-6: OpenBLAS, which sums a million rows in F32. A term that is
   * left out of a sum of up to 100,000 is more than this, one of a million is not.
   */
  private static final double TOLERANCE = 5e-6;

  Optional<String> disagreement(Tensor found) {
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

  /** {@code 2/n X^T (X w - y)}. */
  static Expected gradient(Tensor x, Tensor y, Tensor w) {
    long rows = x.rows();
    int features = Math.toIntExact(x.cols());
    double[] weights = w.toArray();
    double[] sums = new double[features];
    double[] magnitudes = new double[features];
    double[] row = new double[features];
    MemorySegment memory = NativeView.of(x);
    for (long i = 0; i < rows; i++) {
      double residual = -y.get(i);
      for (int f = 0; f < features; f++) {
        row[f] = memory.getAtIndex(ValueLayout.JAVA_FLOAT, i * features + f);
        residual += row[f] * weights[f];
      }
      for (int f = 0; f < features; f++) {
        double term = 2 * residual * row[f] / rows;
        sums[f] += term;
        magnitudes[f] += Math.abs(term);
      }
    }
    return new Expected(sums, magnitudes);
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
