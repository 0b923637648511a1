package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.regression.ExactSolution.Ridge;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many rows are solved by sums of products to the digits of QR, which weights of 1 ask for. */
class SummedFactorTest {
  private static final int ROWS = 35_000;
  private static final int FEATURES = 30;

  private final Backend backend = Backends.open("simd", new BackendOptions(2));
  private final TensorArena arena = TensorArena.open("rows");

  @AfterEach
  void close() {
    backend.close();
    arena.close();
  }

  /** Columns that share a factor, so that the condition number is about {@code FEATURES / own}. */
  private DenseRows rows(double own, double mean, int outputs) {
    Tensor x = arena.allocate("X", DType.F64, ROWS, FEATURES);
    Tensor y = arena.allocate("y", DType.F64, ROWS, outputs);
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < ROWS; i++) {
      double shared = random.nextGaussian();
      double sum = 7;
      for (int c = 0; c < FEATURES; c++) {
        double unit = Math.pow(10, c % 5 - 2);
        double value = unit * (mean * (c % 3 - 1) + shared + own * random.nextGaussian());
        x.set(i, c, value);
        sum += (c % 7 - 3) * value / unit;
      }
      for (int j = 0; j < outputs; j++) {
        y.set(i, j, (j + 1) * sum + random.nextGaussian());
      }
    }
    return new DenseRows(x, y);
  }

  private ExactSolution summed(DenseRows rows, boolean hasIntercept, Ridge ridge) {
    return ExactSolution.solve(backend, new Batch(rows, null), ROWS, hasIntercept, ridge);
  }

  private ExactSolution reflected(DenseRows rows, boolean hasIntercept, Ridge ridge) {
    return ExactSolution.reflect(backend, new Batch(rows, null), ROWS, hasIntercept, ridge);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, true, 0, false, 1",
    "1, 20, true, 0, false, 2",
    "1, 1000, true, 0, false, 2",
    "0.01, 5, true, 0, false, 1",
    "0.01, 0, false, 0, false, 1",
    "1, 0, true, 0.1, true, 2",
    "0.001, 20, true, 0.1, false, 1"
  })
  void digitsAreThoseOfQr(
      double own, double mean, boolean hasIntercept, double l2, boolean isStandardized, int k) {
    DenseRows rows = rows(own, mean, k);
    Ridge ridge = new Ridge(l2, isStandardized);
    ExactSolution found = summed(rows, hasIntercept, ridge);
    ExactSolution expected = reflected(rows, hasIntercept, ridge);
    assertTrue(found.diagnosis().passes() <= 5, "passes " + found.diagnosis().passes());
    assertEquals(expected.condition(), found.condition(), 1e-6 * expected.condition());
    // Both are wrong by some roundings of the mean product of columns with residuals.
    double digits = 1e-13 * Math.max(1, expected.condition()) * (1 + mean);
    for (int j = 0; j < k; j++) {
      for (int c = 0; c < FEATURES; c++) {
        double scale = 1 / Math.pow(10, c % 5 - 2);
        double difference = found.coefficients()[j][c] - expected.coefficients()[j][c];
        assertEquals(0, difference / scale, digits, "coefficient " + c + " of target " + j);
      }
      double mse = expected.meanSquaredError()[j];
      assertEquals(mse, found.meanSquaredError()[j], 1e-12 * mse);
      assertEquals(expected.targetVariance()[j], found.targetVariance()[j], 1e-11 * mse * 1e4);
      assertTrue(found.diagnosis().gap()[j] <= 1e-9 * mse);
    }
  }

  /** Rows of other types, weights and orders, whose columns may have any offset. */
  @ParameterizedTest
  @CsvSource({"F64, 1, 20", "F64, 0.01, 1000", "F32, 1, 3", "F32, 0.1, 100"})
  void otherRows(DType dtype, double own, double mean) {
    DenseRows wide = rows(own, mean, 2);
    Tensor x = arena.allocate("X of a type", dtype, ROWS, FEATURES);
    Tensor both = arena.allocate("y of a type", dtype, ROWS, 3);
    Tensor weights = arena.allocate("weights", dtype, ROWS);
    Tensor index = arena.allocate("index", DType.I64, ROWS);
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < ROWS; i++) {
      for (int c = 0; c < FEATURES; c++) {
        x.set(i, c, wide.x().get(i, c));
      }
      both.set(i, 0, wide.y().get(i, 0));
      both.set(i, 1, wide.y().get(i, 1));
      weights.set(i, random.nextInt(5) == 0 ? 0 : random.nextDouble());
      index.setLong(i, (i * 7919L) % ROWS);
    }
    double first = x.get(0, 0);
    Tensor y = both.columns(0, 2);
    Ridge none = new Ridge(0, false);
    for (Tensor w : new Tensor[] {null, weights}) {
      for (Tensor order : new Tensor[] {null, index}) {
        weights.set(0, 0);
        x.set(0, 0, w == null ? first : Double.NaN); // which is the first row of the index too
        Batch batch = new Batch(new DenseRows(x, y, w, null), order);
        long count = ROWS - 17;
        assertNotNull(SummedFactor.of(backend, batch, count, true));
        ExactSolution found = ExactSolution.solve(backend, batch, count, true, none);
        ExactSolution expected = ExactSolution.reflect(backend, batch, count, true, none);
        double digits = 1e-13 * expected.condition() * (1 + mean);
        for (int j = 0; j < 2; j++) {
          for (int c = 0; c < FEATURES; c++) {
            double unit = Math.pow(10, c % 5 - 2);
            double difference = found.coefficients()[j][c] - expected.coefficients()[j][c];
            assertEquals(0, difference * unit, digits, "coefficient " + c);
          }
          double mse = expected.meanSquaredError()[j];
          assertEquals(mse, found.meanSquaredError()[j], 1e-12 * mse);
          assertTrue(found.diagnosis().gap()[j] <= 1e-9 * mse);
        }
      }
    }
  }

  /** Where squaring loses too much, the bits are those of QR. */
  @ParameterizedTest
  @CsvSource({"1e-6, 0", "1e-6, 1000"})
  void leavesTheRestToQr(double own, double mean) {
    DenseRows rows = rows(own, mean, 1);
    Ridge none = new Ridge(0, false);
    assertArrayEquals(
        reflected(rows, true, none).coefficients()[0], summed(rows, true, none).coefficients()[0]);
  }

  @Test
  void valuesThatAreNotFiniteAreNamed() {
    DenseRows rows = rows(1, 0, 1);
    rows.x().set(17, 3, Double.NaN);
    String message =
        assertThrows(IllegalArgumentException.class, () -> summed(rows, true, new Ridge(0, false)))
            .getMessage();
    assertTrue(message.contains("row 18 of column 4"), message);
  }

  @Test
  void sameBitsForAnyNumberOfThreads() {
    DenseRows rows = rows(1, 5, 2);
    double[][] two = summed(rows, true, new Ridge(0, false)).coefficients();
    for (int threads : new int[] {1, 3, 8}) {
      try (Backend other = Backends.open("simd", new BackendOptions(threads))) {
        Batch batch = new Batch(rows, null);
        ExactSolution found = ExactSolution.solve(other, batch, ROWS, true, new Ridge(0, false));
        assertArrayEquals(two[1], found.coefficients()[1], "threads " + threads);
      }
    }
  }
}
