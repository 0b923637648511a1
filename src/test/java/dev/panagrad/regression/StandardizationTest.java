package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Standardized columns, and models folded back into raw units. */
class StandardizationTest {
  private static final double[][] X = {{1, 5, 10}, {2, 5, -10}, {3, 5, 10}, {6, 5, -10}};
  private static final double[][] Y = {{100}, {200}, {300}, {600}};

  private static Dataset data(TensorArena arena) {
    return Datasets.of(arena, DType.F64, X, Y);
  }

  private static double[] column(Tensor t, int col) {
    double[] values = new double[Math.toIntExact(t.rows())];
    for (int i = 0; i < values.length; i++) {
      values[i] = t.get(i, col);
    }
    return values;
  }

  @Test
  void meansAndPopulationDeviations() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Dataset data = data(arena);
      Standardization fit = Standardization.fit(data.x(), data.y(), null, 4, true);
      fit.applyInPlace(data.x(), data.y());
      double deviation = Math.sqrt(3.5);
      double[] expected = {-2 / deviation, -1 / deviation, 0, 3 / deviation};
      assertArrayEquals(expected, column(data.x(), 0), 1e-15);
      assertArrayEquals(new double[] {1, -1, 1, -1}, column(data.x(), 2), 1e-15);
      assertArrayEquals(expected, column(data.y(), 0), 1e-15);
      assertEquals(100 * deviation, fit.targetScale(0), 1e-12);
      assertEquals(35_000, fit.lossScale(0), 1e-9);
    }
  }

  @Test
  void constantColumnBecomesZeroAndGetsNoCoefficient() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Dataset data = data(arena);
      Standardization fit = Standardization.fit(data.x(), data.y(), null, 4, true);
      assertFalse(fit.isConstant(0));
      assertTrue(fit.isConstant(1));
      assertFalse(fit.isConstant(2));
      fit.applyInPlace(data.x(), data.y());
      assertArrayEquals(new double[4], column(data.x(), 1));
      Tensor w = arena.allocate("w", DType.F64, 1, 3).fill(1);
      Tensor b = arena.allocate("b", DType.F64, 1);
      LinearModel model = fit.unfold(w, b, data.features(), data.targets());
      assertEquals(0.0, model.coefficient(0, 1), 0.0);
    }
  }

  /** It would become NaN, in rows that a training has accepted. */
  @Test
  void columnOfOneInfinityIsNotConstant() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      for (double value : new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
        for (long rows : new long[] {1, 3}) {
          Tensor x = arena.allocate("x", DType.F64, rows, 1).fill(value);
          Tensor y = arena.allocate("y", DType.F64, rows, 1).fill(1);
          Standardization fit = Standardization.fit(x, y, null, rows, true);
          assertFalse(fit.isConstant(0));
          assertFalse(fit.isFinite());
        }
      }
    }
  }

  /** More rows than one chunk has, one of them far away, against sums without rounding. */
  @Test
  void manyRowsOnManyThreads() {
    int rows = 300_000;
    Random random = new Random(5);
    try (TensorArena arena = TensorArena.open("standardize")) {
      Tensor x = arena.allocate("x", DType.F64, rows, 3);
      Tensor y = arena.allocate("y", DType.F64, rows, 1);
      Tensor weights = arena.allocate("weights", DType.F64, rows);
      for (int i = 0; i < rows; i++) {
        x.set(i, 0, i == 0 ? 1e9 : random.nextGaussian());
        x.set(i, 1, 1e7 + random.nextDouble());
        x.set(i, 2, 3);
        y.set(i, 0, random.nextDouble());
        weights.set(i, random.nextInt(3));
      }
      weights.set(0, 1);
      for (Tensor given : new Tensor[] {null, weights}) {
        Batch batch = new Batch(new DenseRows(x, y, given, null));
        Standardization alone = Standardization.fit(x, y, null, rows, true, given);
        for (int threads : new int[] {1, 2, 3, 64}) {
          try (Backend backend = Backends.open("simd", new BackendOptions(threads))) {
            Standardization shared = Standardization.fit(backend, batch, rows, true);
            assertEquals(alone.fingerprint(), shared.fingerprint());
          }
        }
        for (int c = 0; c < 2; c++) {
          double mean = mean(x, c, given, BigDecimal.ZERO, 1);
          double deviation = Math.sqrt(mean(x, c, given, new BigDecimal(mean), 2));
          // No sum has more than 2,000 terms after each other, of one deviation each on average.
          double bound = 2_000 * 0x1p-53;
          assertEquals(mean, alone.featureMean(c), Math.ulp(mean) + bound * deviation);
          assertEquals(deviation, alone.featureScale(c), bound * deviation);
        }
        assertTrue(alone.isConstant(2));
      }
    }
  }

  /** A row that is far away and of no weight beside others, wherever it is. */
  @Test
  void farRowsOfLittleWeight() {
    try (TensorArena arena = TensorArena.open("far")) {
      for (int far : new int[] {0, 2, 19}) {
        Tensor x = arena.allocate("x", DType.F64, 20, 1);
        Tensor weights = arena.allocate("weights", DType.F64, 20).fill(1);
        for (int i = 0; i < 20; i++) {
          x.set(i, i == far ? 1e100 : i % 5);
        }
        weights.set(far, 1e-300);
        Standardization fit = Standardization.fit(x, x, null, 20, true, weights);
        double mean = mean(x, 0, weights, BigDecimal.ZERO, 1);
        double deviation = Math.sqrt(mean(x, 0, weights, new BigDecimal(mean), 2));
        assertEquals(mean, fit.featureMean(0), 1e-14);
        assertEquals(deviation, fit.featureScale(0), 1e-14);
      }
    }
  }

  private static double mean(Tensor x, int col, Tensor weights, BigDecimal shift, int power) {
    BigDecimal sum = BigDecimal.ZERO;
    double total = 0;
    for (long i = 0; i < x.rows(); i++) {
      double weight = weights == null ? 1 : weights.get(i);
      BigDecimal term = new BigDecimal(x.get(i, col)).subtract(shift).pow(power);
      sum = sum.add(term.multiply(new BigDecimal(weight)));
      total += weight;
    }
    return sum.divide(new BigDecimal(total), MathContext.DECIMAL128).doubleValue();
  }

  /** The mean of many 0.1 is not 0.1. */
  @Test
  void constantColumnWhoseMeanRounds() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Tensor x = arena.allocate("x", DType.F64, 1001, 1).fill(0.1);
      Tensor y = arena.allocate("y", DType.F64, 1001, 1).fill(0.7);
      Standardization fit = Standardization.fit(x, y, null, 1001, true);
      assertTrue(fit.isConstant(0));
      assertEquals(1.0, fit.targetScale(0), 0.0);
      fit.applyInPlace(x, y);
      assertArrayEquals(new double[1001], column(x, 0));
      assertArrayEquals(new double[1001], column(y, 0));
    }
  }

  @Test
  void withoutShiftScalesAreRootMeanSquares() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Dataset data = data(arena);
      Standardization fit = Standardization.fit(data.x(), data.y(), null, 4, false);
      assertFalse(fit.isConstant(1));
      fit.applyInPlace(data.x(), data.y());
      double root = Math.sqrt(12.5);
      assertArrayEquals(
          new double[] {1 / root, 2 / root, 3 / root, 6 / root}, column(data.x(), 0), 1e-15);
      assertArrayEquals(new double[] {1, 1, 1, 1}, column(data.x(), 1), 1e-15);
    }
  }

  @Test
  void fittedOnTheFirstRowsOfTheIndexAndAppliedToAll() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Dataset data = data(arena);
      Tensor index = arena.allocate("index", DType.I64, 4);
      long[] rows = {3, 0, 1, 2};
      for (int i = 0; i < 4; i++) {
        index.setLong(i, rows[i]);
      }
      Standardization fit = Standardization.fit(data.x(), data.y(), index, 2, true);
      fit.applyInPlace(data.x(), data.y());
      assertArrayEquals(new double[] {-1, -0.6, -0.2, 1}, column(data.x(), 0), 1e-15);
      assertEquals(250, fit.targetScale(0), 1e-12);
    }
  }

  /**
   * A weight of m is m rows, a weight of 0 is none, even of NaN, and a common factor is nothing: to
   * the rounding of 6 terms, and of the division of weights.
   */
  @Test
  void weightsAreRepetitions() {
    double[][] x = {{1, 5, 10}, {Double.NaN, 6, 1e300}, {2, 5, -10}, {6, 5, -11}};
    double[][] y = {{100}, {Double.POSITIVE_INFINITY}, {200}, {600}};
    int[] times = {3, 0, 1, 2};
    int[] repeated = {0, 0, 0, 2, 3, 3};
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      for (double factor : new double[] {1e-300, 1, 1e300}) {
        for (boolean isShifted : new boolean[] {true, false}) {
          try (TensorArena arena = TensorArena.open("weights")) {
            Tensor weights = arena.allocate("weights", DType.F64, 4);
            Tensor index = arena.allocate("index", DType.I64, 6);
            for (int i = 0; i < 6; i++) {
              index.setLong(i, repeated[i]);
              weights.set(repeated[i], times[repeated[i]] * factor);
            }
            Dataset data = Datasets.of(arena, dtype, x, y);
            Standardization expected = Standardization.fit(data.x(), data.y(), index, 6, isShifted);
            Standardization found =
                Standardization.fit(data.x(), data.y(), null, 4, isShifted, weights);
            assertEquals(expected.targetScale(0), found.targetScale(0), 1e-13 * 600);
            assertEquals(expected.standardizedTarget(0, 0), found.standardizedTarget(0, 0), 1e-13);
            for (int c = 0; c < 3; c++) {
              assertEquals(isShifted && c == 1, found.isConstant(c));
              assertEquals(expected.isConstant(c), found.isConstant(c));
              assertEquals(expected.featureScale(c), found.featureScale(c), 1e-13);
              assertEquals(
                  expected.standardizedFeature(0, c), found.standardizedFeature(0, c), 1e-13);
            }
          }
        }
      }
    }
  }

  @Test
  void refusesWeightsThatAreNone() {
    try (TensorArena arena = TensorArena.open("weights")) {
      Dataset data = data(arena);
      for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
        Tensor weights = arena.allocate("weights", DType.F64, 4).fill(1);
        weights.set(2, bad);
        String message =
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Standardization.fit(data.x(), data.y(), null, 4, true, weights))
                .getMessage();
        assertEquals(
            "weights must be finite and not negative, found %s in row 3 of tensor 'weights'"
                .formatted(bad),
            message);
      }
      Tensor zeros = arena.allocate("weights", DType.F64, 4);
      assertThrows(
          IllegalArgumentException.class,
          () -> Standardization.fit(data.x(), data.y(), null, 4, true, zeros));
    }
  }

  @Test
  void commonTargetScaleIsTheRootMeanSquareOfTheScales() {
    double[][] y = {{1, 10}, {-1, -10}};
    double[][] x = {{1}, {2}};
    try (TensorArena arena = TensorArena.open("standardize")) {
      Dataset data = Datasets.of(arena, DType.F64, x, y);
      Standardization fit =
          Standardization.fit(data.x(), data.y(), null, 2, true).withCommonTargetScale();
      assertEquals(Math.sqrt(50.5), fit.targetScale(0), 1e-14);
      assertEquals(Math.sqrt(50.5), fit.targetScale(1), 1e-14);
    }
  }

  @Test
  void noneIsTheIdentity() {
    try (TensorArena arena = TensorArena.open("standardize")) {
      Tensor w = Datasets.matrix(arena, "w", DType.F64, new double[][] {{2, 3}});
      Tensor b = arena.allocate("b", DType.F64, 1).fill(4);
      Dataset data = Datasets.of(arena, DType.F64, new double[][] {{0, 0}}, new double[][] {{0}});
      LinearModel model = Standardization.none(2, 1).unfold(w, b, data.features(), data.targets());
      assertEquals(2.0, model.coefficient(0, 0), 0.0);
      assertEquals(3.0, model.coefficient(0, 1), 0.0);
      assertEquals(4.0, model.intercept(0), 0.0);
    }
  }

  /**
   * Any weights in the standardized space leave the same residuals as the folded model on raw rows,
   * up to the target's scale.
   */
  @Property(tries = 300)
  void foldedModelHasTheSameResiduals(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 6) int features,
      @ForAll @IntRange(min = 1, max = 3) int outputs,
      @ForAll boolean hasIntercept) {
    int rows = 12;
    Random random = new Random(seed);
    double[][] x = rawUnits(random, rows, features);
    double[][] y = rawUnits(random, rows, outputs);
    try (TensorArena arena = TensorArena.open("fold")) {
      Dataset data = Datasets.of(arena, DType.F64, x, y);
      Standardization fit = Standardization.fit(data.x(), data.y(), null, rows, hasIntercept);
      fit.applyInPlace(data.x(), data.y());
      double[][] w = Datasets.normal(seed, outputs, features);
      double[] b = Datasets.normal(seed + 1, 1, outputs)[0];
      Tensor bias = hasIntercept ? arena.allocate("b", DType.F64, outputs) : null;
      for (int j = 0; hasIntercept && j < outputs; j++) {
        bias.set(j, b[j]);
      }
      LinearModel model =
          fit.unfold(
              Datasets.matrix(arena, "w", DType.F64, w), bias, data.features(), data.targets());
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < outputs; j++) {
          double standardized = (hasIntercept ? b[j] : 0) - data.y().get(i, j);
          double size = Math.abs(model.intercept(j)) + totalMagnitude(y, j);
          for (int f = 0; f < features; f++) {
            standardized += w[j][f] * data.x().get(i, f);
            size += Math.abs(model.coefficient(j, f)) * totalMagnitude(x, f);
          }
          assertEquals(
              standardized * fit.targetScale(j), model.predict(x[i], j) - y[i][j], 1e-13 * size);
          assertTrue(hasIntercept || model.intercept(j) == 0);
        }
      }
    }
  }

  private static double totalMagnitude(double[][] x, int col) {
    double sum = 0;
    for (double[] row : x) {
      sum += Math.abs(row[col]);
    }
    return sum;
  }

  /** Columns of units between 1e-6 and 1e6, shifted by up to ten deviations. */
  private static double[][] rawUnits(Random random, int rows, int cols) {
    double[][] values = new double[rows][cols];
    for (int f = 0; f < cols; f++) {
      double unit = Math.pow(10, random.nextDouble() * 12 - 6);
      double shift = random.nextDouble() * 20 - 10;
      for (double[] row : values) {
        row[f] = unit * (shift + random.nextGaussian());
      }
    }
    return values;
  }
}
