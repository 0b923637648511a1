package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Factors of parts of the rows, merged, are the factor of all of them to rounding. */
class RowFactorTest {
  private static final int ROWS = 420;
  private static final int FEATURES = 4;
  private static final int TARGETS = 2;

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.host(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /** Rows in an arena: x, y, and weights or null. */
  private record Rows(Tensor x, Tensor y, Tensor weights) {
    /**
     * Columns of different sizes; the rows of each part are that many deviations from those before.
     */
    static Rows random(TensorArena arena, double offset, int[] ends, boolean isWeighted) {
      Random random = new Random(17);
      double[][] x = Datasets.normal(3, ROWS, FEATURES);
      double[][] y = Datasets.normal(4, ROWS, TARGETS);
      int part = 0;
      for (int row = 0; row < ROWS; row++) {
        part += row == ends[part] ? 1 : 0;
        for (int f = 0; f < FEATURES; f++) {
          x[row][f] = (x[row][f] + offset * (part + f)) * Math.pow(10, 3 * f - 4);
        }
        y[row][0] += x[row][1] + 100;
        y[row][1] *= 1e-3;
      }
      Tensor weights = isWeighted ? arena.allocate("w", DType.F64, ROWS) : null;
      for (int row = 0; row < ROWS && isWeighted; row++) {
        weights.set(row, row % 7 == 3 ? 0 : 0.1 + random.nextDouble());
      }
      return new Rows(
          Datasets.matrix(arena, "x", DType.F64, x),
          Datasets.matrix(arena, "y", DType.F64, y),
          weights);
    }

    RowFactor factor(Backend backend, int first, int end, boolean hasIntercept) {
      int count = end - first;
      Tensor w = weights == null ? null : weights.slice(first, count);
      DenseRows part = new DenseRows(x.rows(first, count), y.rows(first, count), w, null);
      return RowFactor.of(backend, new Batch(part), count, hasIntercept);
    }
  }

  /** The triangle of a factor in the units of another. */
  private static double[][] inUnits(RowFactor factor, RowFactor of) {
    int first = factor.hasIntercept() ? 1 : 0;
    double[][] r = new double[factor.r().length][];
    for (int i = 0; i < r.length; i++) {
      r[i] = factor.r()[i].clone();
      for (int c = 0; c < factor.shift().length; c++) {
        double moved = first == 0 ? 0 : r[i][0] * (factor.shift()[c] - of.shift()[c]);
        r[i][first + c] = (r[i][first + c] * factor.scale()[c] + moved) / of.scale()[c];
      }
    }
    return r;
  }

  private static double product(double[][] r, int c, int d) {
    return Arrays.stream(r).mapToDouble(row -> row[c] * row[d]).sum();
  }

  /**
   * Products of columns of [1, Z] in the units of the whole. A factor of n rows and m columns is
   * off by at most {@code m (n + 12) u} of a column's length (see TriangularizeConformanceTest),
   * twice for a merged one, where a column is as long as in the units in which it was factored:
   * that of a part whose mean is s deviations away is longer by {@code s sqrt(n)}.
   */
  private static void same(RowFactor whole, RowFactor merged, RowFactor[] parts, String what) {
    assertEquals(whole.weight(), merged.weight(), 1e-13 * whole.weight(), what);
    double[][] r = inUnits(merged, whole);
    int m = r.length;
    int first = whole.hasIntercept() ? 1 : 0;
    double[] lengths = new double[m];
    for (int c = 0; c < m; c++) {
      lengths[c] = Math.sqrt(product(whole.r(), c, c));
      for (RowFactor part : parts) {
        if (c >= first) {
          double away = Math.abs(part.shift()[c - first] - whole.shift()[c - first]);
          lengths[c] += away / whole.scale()[c - first] * Math.sqrt(whole.weight());
        }
      }
    }
    double g = 4 * m * (ROWS + 12) * 0x1p-53;
    for (int c = 0; c < m; c++) {
      for (int d = 0; d <= c; d++) {
        assertEquals(
            product(whole.r(), c, d),
            product(r, c, d),
            g * lengths[c] * lengths[d],
            what + " columns " + c + " and " + d);
      }
    }
    for (int j = 0; j < TARGETS; j++) {
      int column = first + FEATURES + j;
      double unit = lengths[column] * whole.scale()[FEATURES + j];
      assertEquals(
          whole.targetVariance(j),
          merged.targetVariance(j),
          g * unit * unit / whole.weight(),
          what + " variance");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, 0",
    "true, true, 0",
    "false, false, 0",
    "false, true, 0",
    "true, false, 30",
    "true, true, 30",
    "false, true, 30",
    "true, false, 1e4",
    "true, true, 1e4",
    "false, false, 1e4"
  })
  void mergedPartsAreTheWhole(boolean hasIntercept, boolean isWeighted, double offset) {
    for (int[] ends : new int[][] {{210, ROWS}, {3, ROWS}, {417, ROWS}, {130, 140, 300, ROWS}}) {
      for (Backend backend : backends) {
        try (TensorArena arena = TensorArena.open("rows")) {
          Rows rows = Rows.random(arena, offset, ends, isWeighted);
          RowFactor whole = rows.factor(backend, 0, ROWS, hasIntercept);
          List<RowFactor> parts = new ArrayList<>();
          int first = 0;
          for (int end : ends) {
            parts.add(rows.factor(backend, first, end, hasIntercept));
            first = end;
          }
          RowFactor[] all = parts.toArray(RowFactor[]::new);
          String what = "%s, %d parts of %d".formatted(backend.name(), all.length, ends[0]);
          RowFactor merged = all[0];
          for (int p = 1; p < all.length; p++) {
            merged = merged.merge(backend, all[p]);
          }
          same(whole, merged, all, what);
          RowFactor backwards = all[all.length - 1];
          for (int p = all.length - 2; p >= 0; p--) {
            backwards = backwards.merge(backend, all[p]);
          }
          same(whole, backwards, all, what + " backwards");
        }
      }
    }
  }

  /** Merging changes neither of the two. */
  @Test
  void partsStayAsTheyAre() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("rows")) {
      Rows rows = Rows.random(arena, 3, new int[] {200, ROWS}, false);
      RowFactor a = rows.factor(backend, 0, 200, true);
      RowFactor b = rows.factor(backend, 200, ROWS, true);
      String before = Arrays.deepToString(a.r()) + Arrays.deepToString(b.r());
      RowFactor once = a.merge(backend, b);
      assertEquals(before, Arrays.deepToString(a.r()) + Arrays.deepToString(b.r()));
      assertEquals(
          Arrays.deepToString(once.r()), Arrays.deepToString(a.merge(backend, b).r()), "again");
    }
  }

  /** A column that is constant in parts is constant in all only where the constants are equal. */
  @Test
  void constantColumns() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("rows")) {
      Rows rows = Rows.random(arena, 0, new int[] {ROWS}, false);
      for (int row = 0; row < ROWS; row++) {
        rows.x().set(row, 0, 5);
        rows.x().set(row, 1, row < 200 ? 5 : 6);
        rows.x().set(row, 2, row < 200 ? 5 : row);
      }
      RowFactor a = rows.factor(backend, 0, 200, true);
      RowFactor b = rows.factor(backend, 200, ROWS, true);
      assertEquals("[true, true, true, false]", Arrays.toString(a.constant()));
      assertEquals("[true, true, false, false]", Arrays.toString(b.constant()));
      for (RowFactor merged : List.of(a.merge(backend, b), b.merge(backend, a))) {
        assertEquals("[true, false, false, false]", Arrays.toString(merged.constant()));
      }
    }
  }

  @Test
  void factorsOfOtherColumnsAreRefused() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("rows")) {
      Rows rows = Rows.random(arena, 0, new int[] {ROWS}, false);
      Rows fewer = new Rows(rows.x().columns(0, 3), rows.y(), null);
      Rows single = new Rows(rows.x(), rows.y().columns(0, 1), null);
      // As many columns, of which others are targets.
      Rows shifted = new Rows(rows.x().columns(0, 3), rows.x().columns(1, 3), null);
      RowFactor of = rows.factor(backend, 0, ROWS, true);
      String mine = "factors of 4 features and 2 targets and of ";
      refused(mine + "3 and 2", of, fewer.factor(backend, 0, ROWS, true));
      refused(mine + "4 and 1", of, single.factor(backend, 0, ROWS, true));
      refused(mine + "3 and 3", of, shifted.factor(backend, 0, ROWS, true));
      refused(mine + "4 and 2 without intercept", of, rows.factor(backend, 0, ROWS, false));
    }
  }

  private static void refused(String expected, RowFactor of, RowFactor other) {
    Exception e =
        assertThrows(IllegalArgumentException.class, () -> of.merge(backends.getFirst(), other));
    assertEquals(expected + " have no common one", e.getMessage());
  }

  /** A merged factor solves for all rows, also where a column is constant in a part. */
  @ParameterizedTest
  @CsvSource({"true, 0", "false, 0", "true, 0.1"})
  void mergedFactorsAreSolved(boolean hasIntercept, double l2) {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("rows")) {
        Rows rows = Rows.random(arena, 3, new int[] {100, 250, ROWS}, true);
        for (int i = 0; i < 100; i++) {
          rows.x.set(i, 2, 7);
        }
        RowFactor merged =
            rows.factor(backend, 0, 100, hasIntercept)
                .merge(backend, rows.factor(backend, 100, 250, hasIntercept))
                .merge(backend, rows.factor(backend, 250, ROWS, hasIntercept));
        ExactSolution.Ridge ridge = new ExactSolution.Ridge(l2, true);
        ExactSolution found = ExactSolution.solve(backend, merged, ridge);
        Batch all = new Batch(new DenseRows(rows.x, rows.y, rows.weights, null));
        ExactSolution expected = ExactSolution.solve(backend, all, ROWS, hasIntercept, ridge);
        assertEquals(expected.rank(), found.rank());
        for (int j = 0; j < TARGETS; j++) {
          for (int f = 0; f < FEATURES; f++) {
            double value = expected.coefficients()[j][f];
            double size = Math.sqrt(expected.targetVariance()[j]) / merged.scale()[f];
            double bound = 1e-11 * expected.condition() * size;
            assertEquals(value, found.coefficients()[j][f], bound, "coefficient " + f);
          }
          double mse = expected.meanSquaredError()[j];
          assertEquals(mse, found.meanSquaredError()[j], 1e-10 * mse);
        }
      }
    }
  }
}
