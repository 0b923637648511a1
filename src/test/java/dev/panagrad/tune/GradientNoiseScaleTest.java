package dev.panagrad.tune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The noise scale of gradients, against tr(Sigma) and |G|^2 computed from every row. */
class GradientNoiseScaleTest {
  private static final double[] W = {0.3, -0.2, 0.1};
  private static final double B = 0.5;

  /** The gradients of single rows at W and B; the intercept's is the last number of each. */
  private static double[][] rowGradients(Dataset data) {
    int d = data.features().size();
    double[][] gradients = new double[Math.toIntExact(data.rows())][d + 1];
    for (int i = 0; i < gradients.length; i++) {
      double residual = B - data.y().get(i, 0);
      for (int f = 0; f < d; f++) {
        residual += W[f] * data.x().get(i, f);
      }
      for (int f = 0; f < d; f++) {
        gradients[i][f] = 2 * residual * data.x().get(i, f);
      }
      gradients[i][d] = 2 * residual;
    }
    return gradients;
  }

  private static double[] mean(double[][] gradients, long rows) {
    double[] mean = new double[gradients[0].length];
    for (int i = 0; i < gradients.length; i++) {
      for (int f = 0; f < mean.length && (rows >> i & 1) == 1; f++) {
        mean[f] += gradients[i][f] / Long.bitCount(rows);
      }
    }
    return mean;
  }

  private static double square(double[] v) {
    double sum = 0;
    for (double value : v) {
      sum += value * value;
    }
    return sum;
  }

  private static double trace(double[][] gradients) {
    double[] mean = mean(gradients, (1L << gradients.length) - 1);
    double sum = 0;
    for (double[] g : gradients) {
      for (int f = 0; f < mean.length; f++) {
        sum += (g[f] - mean[f]) * (g[f] - mean[f]) / gradients.length;
      }
    }
    return sum;
  }

  /** The mean of |g|^2 over every batch of that size. */
  private static double meanSquare(double[][] gradients, int size) {
    double sum = 0;
    long batches = 0;
    for (long rows = 0; rows < 1L << gradients.length; rows++) {
      if (Long.bitCount(rows) == size) {
        sum += square(mean(gradients, rows));
        batches++;
      }
    }
    return sum / batches;
  }

  /** Over all batches, an unbiased estimate is the number itself. */
  @ParameterizedTest
  @CsvSource({"1, 2", "1, 10", "2, 3", "2, 5", "3, 10", "9, 10"})
  void unbiasedForBatchesWithoutReplacement(int small, int large) {
    try (TensorArena arena = TensorArena.open("rows")) {
      double[][] gradients = rowGradients(Datasets.plane(arena, DType.F64, 3, 10, 3, 1, 0.7));
      GradientNoiseScale scale =
          GradientNoiseScale.of(
              small, meanSquare(gradients, small), large, meanSquare(gradients, large), 10);
      double trace = trace(gradients);
      double square = square(mean(gradients, (1L << 10) - 1));
      // Both are sums of some hundred numbers of about the trace's size, divided by f(2) - f(3) >
      // 0.1.
      assertEquals(trace, scale.covarianceTrace(), 1e-12 * trace);
      assertEquals(square, scale.gradientSquares(), 1e-12 * trace);
      assertEquals(trace / square, scale.rows(), 1e-11 * trace / square);
    }
  }

  /** Appendix A.1 of McCandlish et al., for batches from a stream. */
  @Test
  void streamWithoutEnd() {
    double square = 3;
    double trace = 40;
    GradientNoiseScale scale =
        GradientNoiseScale.of(8, square + trace / 8, 64, square + trace / 64, Long.MAX_VALUE);
    assertEquals(trace, scale.covarianceTrace(), 1e-12);
    assertEquals(square, scale.gradientSquares(), 1e-12);
  }

  @ParameterizedTest
  @CsvSource({"F64, 1e-12", "F32, 1e-5"})
  void measuredIsThatOfAllRows(DType dtype, double tolerance) {
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("rows")) {
      Dataset data = Datasets.plane(arena, dtype, 3, 60, 3, 1, 0.7);
      double[][] gradients = rowGradients(data);
      LinearRegression regression = new LinearRegression(backend, arena, dtype, 3, 1, true);
      for (int f = 0; f < W.length; f++) {
        regression.weights().set(0, f, W[f]);
      }
      regression.intercept().set(0, B);
      RowOrder order = RowOrder.of(arena, 60, 0, 1);
      order.shuffle(0);
      GradientNoiseScale scale =
          GradientNoiseScale.measure(
              backend, regression, new Batch(new DenseRows(data.x(), data.y()), order.index()));
      double trace = trace(gradients);
      assertEquals(trace, scale.covarianceTrace(), tolerance * trace);
      double square = square(mean(gradients, (1L << 60) - 1));
      assertEquals(square, scale.gradientSquares(), tolerance * trace);
    }
  }

  /**
   * More than 8,191 rows are measured in batches of several. Of m batches, the mean of |g|^2 has a
   * relative deviation of about sqrt(2 / m), here 2.2%.
   */
  @Test
  void measuredInBatchesIsClose() {
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("rows")) {
      Dataset data = Datasets.plane(arena, DType.F64, 5, 20_000, 3, 1, 0.7);
      double[][] gradients = rowGradients(data);
      LinearRegression regression = new LinearRegression(backend, arena, DType.F64, 3, 1, true);
      for (int f = 0; f < W.length; f++) {
        regression.weights().set(0, f, W[f]);
      }
      regression.intercept().set(0, B);
      GradientNoiseScale scale =
          GradientNoiseScale.measure(backend, regression, new Batch(data.x(), data.y()));
      double squares = 0;
      double[] sum = new double[4];
      for (double[] g : gradients) {
        squares += square(g) / gradients.length;
        for (int f = 0; f < sum.length; f++) {
          sum[f] += g[f] / gradients.length;
        }
      }
      double trace = squares - square(sum);
      assertEquals(trace, scale.covarianceTrace(), 0.1 * trace);
      assertEquals(square(sum), scale.gradientSquares(), 1e-9 * trace);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "10, 1000, 8",
    "10, 9, 8",
    "0.5, 1000, 1",
    "64, 1000, 64",
    "1e300, 1000, 512",
    "0, 5, 1"
  })
  void advisedBatch(double scale, long rows, long batch) {
    assertEquals(batch, new GradientNoiseScale(1, scale).advisedBatch(rows));
  }

  @Test
  void noGradientLeftIsInfinite() {
    assertEquals(Double.POSITIVE_INFINITY, new GradientNoiseScale(0, 1).rows());
    assertEquals(Double.POSITIVE_INFINITY, new GradientNoiseScale(-1e-9, 1).rows());
    assertEquals(0, new GradientNoiseScale(1, -1e-9).rows());
    assertEquals(64, new GradientNoiseScale(0, 1).advisedBatch(100));
  }

  @ParameterizedTest
  @CsvSource({"0, 2, 5", "2, 2, 5", "3, 2, 5", "2, 6, 5"})
  void sizesOutOfOrder(long small, long large, long rows) {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> GradientNoiseScale.of(small, 1, large, 1, rows))
            .getMessage();
    assertTrue(message.contains(Long.toString(small)), message);
  }
}
