package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The exact solution where X has full rank, where it has not, and where it is wide. */
class ExactSolutionTest {
  /** Timestamps: a large mean and a small spread are not a constant. */
  @Test
  void columnFarFromZeroIsNotConstant() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("far")) {
      for (double[] line : new double[][] {{1e13, 0.125}, {0x1p53, 2}, {0, 1e-200}, {0, 1e150}}) {
        Tensor x = arena.allocate("x", DType.F64, 100, 1);
        Tensor y = arena.allocate("y", DType.F64, 100);
        for (int i = 0; i < 100; i++) {
          x.set(i, line[0] + line[1] * i);
          y.set(i, 2.0 * i + 1);
        }
        ExactSolution exact = ExactSolution.solve(backend, x, y, null, 100, true, 0);
        assertEquals(1, exact.rank());
        assertEquals(2 / line[1], exact.coefficients()[0][0], 1e-9 / line[1]);
        assertEquals(0, exact.meanSquaredError()[0], 1e-9);
      }
    }
  }

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.open(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static void onEveryBackend(BiConsumer<Backend, TensorArena> test) {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("exact")) {
        test.accept(backend, arena);
      }
    }
  }

  private static ExactSolution solve(Backend backend, Dataset data) {
    return solve(backend, data, true);
  }

  private static ExactSolution solve(Backend backend, Dataset data, boolean hasIntercept) {
    return ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), hasIntercept, 0);
  }

  private static double mse(ExactSolution exact, double[][] x, double[][] y, int target) {
    double squares = 0;
    for (int i = 0; i < x.length; i++) {
      double residual = exact.intercept()[target] - y[i][target];
      for (int f = 0; f < x[i].length; f++) {
        residual += exact.coefficients()[target][f] * x[i][f];
      }
      squares += residual * residual;
    }
    return squares / x.length;
  }

  /** The reported error is that of the coefficients, and no coefficient is out of proportion. */
  private static void plausible(ExactSolution exact, double[][] x, double[][] y, String what) {
    double found = mse(exact, x, y, 0);
    assertEquals(found, exact.meanSquaredError()[0], 1e-9 * (1 + found), what);
    for (double coefficient : exact.coefficients()[0]) {
      assertTrue(Math.abs(coefficient) < 100, what + " coefficient " + coefficient);
    }
  }

  @Test
  void planeWithoutNoiseIsFound() {
    double[][] x = {{1, 2}, {3, -1}, {0, 5}, {2, 2}};
    double[][] y = {{9, 1}, {4, 3}, {16, 0}, {11, 2}};
    onEveryBackend(
        (backend, arena) -> {
          ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
          assertEquals(2, exact.rank());
          assertEquals(2, exact.coefficients()[0][0], 1e-13);
          assertEquals(3, exact.coefficients()[0][1], 1e-13);
          assertEquals(1, exact.intercept()[0], 1e-13);
          assertEquals(1, exact.coefficients()[1][0], 1e-13);
          assertEquals(0, exact.coefficients()[1][1], 1e-13);
          assertEquals(0, exact.meanSquaredError()[0], 1e-13);
        });
  }

  @Test
  void residualsAreOrthogonalToTheColumns() {
    double[][] x = Datasets.normal(1, 2500, 7);
    double[][] y = Datasets.normal(2, 2500, 2);
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.of(arena, DType.F64, x, y);
          for (boolean hasIntercept : new boolean[] {true, false}) {
            ExactSolution exact = solve(backend, data, hasIntercept);
            for (int target = 0; target < 2; target++) {
              double[] products = new double[8];
              for (int i = 0; i < x.length; i++) {
                double residual = exact.intercept()[target] - y[i][target];
                for (int f = 0; f < 7; f++) {
                  residual += exact.coefficients()[target][f] * x[i][f];
                }
                for (int f = 0; f < 7; f++) {
                  products[f] += residual * x[i][f] / x.length;
                }
                products[7] += hasIntercept ? residual / x.length : 0;
              }
              for (double product : products) {
                assertEquals(0, product, 1e-13);
              }
              double found = mse(exact, x, y, target);
              assertEquals(found, exact.meanSquaredError()[target], 1e-12);
            }
            assertEquals(hasIntercept, exact.intercept()[0] != 0);
          }
        });
  }

  @Test
  void onlyTheRowsOfTheIndexCount() {
    double[][] x = Datasets.normal(1, 40, 3);
    double[][] y = Datasets.normal(2, 40, 1);
    onEveryBackend(
        (backend, arena) -> {
          Tensor index = arena.allocate("index", DType.I64, 40);
          double[][] chosenX = new double[20][];
          double[][] chosenY = new double[20][];
          for (int i = 0; i < 40; i++) {
            index.setLong(i, (i * 7) % 40);
            if (i < 20) {
              chosenX[i] = x[(i * 7) % 40];
              chosenY[i] = y[(i * 7) % 40];
            }
          }
          Dataset all = Datasets.of(arena, DType.F64, x, y);
          ExactSolution indexed =
              ExactSolution.solve(backend, all.x(), all.y(), index, 20, true, 0);
          ExactSolution chosen = solve(backend, Datasets.of(arena, DType.F64, chosenX, chosenY));
          for (int f = 0; f < 3; f++) {
            assertEquals(chosen.coefficients()[0][f], indexed.coefficients()[0][f], 0.0);
          }
          assertEquals(chosen.meanSquaredError()[0], indexed.meanSquaredError()[0], 0.0);
        });
  }

  @Test
  void duplicateColumn() {
    for (int seed = 0; seed < 100; seed++) {
      int rows = 3 + seed * 10;
      double[][] once = Datasets.normal(seed, rows, 1);
      double[][] y = Datasets.normal(seed + 1000, rows, 1);
      double[][] twice = new double[rows][];
      for (int i = 0; i < rows; i++) {
        twice[i] = new double[] {once[i][0], once[i][0]};
      }
      String what = "seed " + seed;
      onEveryBackend(
          (backend, arena) -> {
            ExactSolution single = solve(backend, Datasets.of(arena, DType.F64, once, y));
            ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, twice, y));
            assertEquals(1, exact.rank(), backend.name() + " " + what);
            plausible(exact, twice, y, what);
            assertEquals(
                single.coefficients()[0][0],
                exact.coefficients()[0][0] + exact.coefficients()[0][1],
                1e-12,
                what);
            assertEquals(single.meanSquaredError()[0], exact.meanSquaredError()[0], 1e-12, what);
          });
    }
  }

  @Test
  void constantColumn() {
    for (double constant : new double[] {0, 0.1, 1e9, -3e-9}) {
      double[][] x = Datasets.normal(3, 1000, 3);
      double[][] y = Datasets.normal(4, 1000, 1);
      for (double[] row : x) {
        row[1] = constant;
      }
      onEveryBackend(
          (backend, arena) -> {
            ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
            String what = backend.name() + " constant " + constant;
            assertEquals(2, exact.rank(), what);
            assertEquals(0.0, exact.coefficients()[0][1], 0.0, what);
            plausible(exact, x, y, what);
          });
    }
  }

  @Test
  void columnOfOnesTakesThePartOfTheIntercept() {
    double[][] x = {{1, 1}, {1, 2}, {1, 4}};
    double[][] y = {{5}, {7}, {11}};
    onEveryBackend(
        (backend, arena) -> {
          ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y), false);
          assertEquals(2, exact.rank());
          assertEquals(3, exact.coefficients()[0][0], 1e-12);
          assertEquals(2, exact.coefficients()[0][1], 1e-12);
          assertEquals(0.0, exact.intercept()[0], 0.0);
        });
  }

  @Test
  void onlyConstantColumns() {
    double[][] x = {{1}, {1}, {1}};
    double[][] y = {{5}, {7}, {12}};
    onEveryBackend(
        (backend, arena) -> {
          ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
          assertEquals(0, exact.rank());
          assertEquals(8, exact.intercept()[0], 1e-14);
          assertEquals(26.0 / 3, exact.meanSquaredError()[0], 1e-14);
          assertEquals(26.0 / 3, exact.targetVariance()[0], 1e-14);
        });
  }

  @Test
  void constantTarget() {
    double[][] x = Datasets.normal(5, 10, 2);
    double[][] y = new double[10][];
    for (int i = 0; i < y.length; i++) {
      y[i] = new double[] {0.3};
    }
    onEveryBackend(
        (backend, arena) -> {
          ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
          assertEquals(0.3, exact.intercept()[0], 1e-15);
          assertEquals(0.0, exact.coefficients()[0][0], 0.0);
          assertEquals(0.0, exact.meanSquaredError()[0], 0.0);
        });
  }

  /** Indicators of all groups add up to the intercept's column. */
  @Test
  void indicatorsOfEveryGroup() {
    for (int seed = 0; seed < 100; seed++) {
      int groups = 3 + seed % 5;
      int rows = 20 + 30 * seed;
      Random random = new Random(seed);
      double[][] x = new double[rows][groups];
      double[][] y = Datasets.normal(seed, rows, 1);
      double[] sums = new double[groups];
      double[] counts = new double[groups];
      for (int i = 0; i < rows; i++) {
        int group = i < groups ? i : random.nextInt(groups);
        x[i][group] = 1;
        sums[group] += y[i][0];
        counts[group]++;
      }
      String what = "seed " + seed;
      onEveryBackend(
          (backend, arena) -> {
            ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
            assertEquals(groups - 1, exact.rank(), backend.name() + " " + what);
            plausible(exact, x, y, what);
            for (int g = 0; g < groups; g++) {
              assertEquals(
                  sums[g] / counts[g],
                  exact.intercept()[0] + exact.coefficients()[0][g],
                  1e-10,
                  what);
            }
          });
    }
  }

  @Test
  void sumOfTwoColumns() {
    for (int seed = 0; seed < 100; seed++) {
      int rows = 10 + 50 * seed;
      double[][] x = Datasets.normal(seed, rows, 3);
      double[][] y = Datasets.normal(seed + 1000, rows, 1);
      for (double[] row : x) {
        row[2] = row[0] + 2 * row[1];
      }
      String what = "seed " + seed;
      onEveryBackend(
          (backend, arena) -> {
            ExactSolution exact = solve(backend, Datasets.of(arena, DType.F64, x, y));
            assertEquals(2, exact.rank(), backend.name() + " " + what);
            plausible(exact, x, y, what);
          });
    }
  }

  @Test
  void fewerRowsThanColumns() {
    for (int seed = 0; seed < 100; seed++) {
      int rows = 2 + seed % 7;
      double[][] x = Datasets.normal(seed, rows, 9);
      double[][] y = Datasets.normal(seed + 1000, rows, 1);
      String what = "seed " + seed + " rows " + rows;
      onEveryBackend(
          (backend, arena) -> {
            Dataset data = Datasets.of(arena, DType.F64, x, y);
            ExactSolution exact = solve(backend, data);
            assertEquals(rows - 1, exact.rank(), backend.name() + " " + what);
            assertEquals(0, mse(exact, x, y, 0), 1e-12, what);
            assertEquals(0, exact.meanSquaredError()[0], 1e-12, what);
            assertEquals(rows, solve(backend, data, false).rank(), backend.name() + " " + what);
          });
    }
  }

  @Test
  void oneRow() {
    onEveryBackend(
        (backend, arena) -> {
          ExactSolution exact =
              solve(
                  backend,
                  Datasets.of(arena, DType.F64, new double[][] {{1, 2}}, new double[][] {{7}}));
          assertEquals(0, exact.rank());
          assertEquals(7.0, exact.intercept()[0], 0.0);
          assertEquals(0.0, exact.meanSquaredError()[0], 0.0);
        });
  }

  @Test
  void penaltyRestoresTheRank() {
    double[][] x = {{1, 1}, {2, 2}, {4, 4}};
    double[][] y = {{2}, {4}, {8}};
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.of(arena, DType.F64, x, y);
          double l2 = 0.5;
          ExactSolution exact = ExactSolution.solve(backend, data.x(), data.y(), null, 3, true, l2);
          assertEquals(2, exact.rank());
          // Both take the same; with v the variance of x: (2 v + l2) w = 2 v.
          double v = 14.0 / 9;
          assertEquals(2 * v / (2 * v + l2), exact.coefficients()[0][0], 1e-12);
          assertEquals(2 * v / (2 * v + l2), exact.coefficients()[0][1], 1e-12);
        });
  }

  @Test
  void wrongArguments() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("wrong")) {
      Dataset data = Datasets.plane(arena, DType.F64, 1, 4, 2, 1, 0);
      assertThrows(
          IllegalArgumentException.class,
          () -> ExactSolution.solve(backend, data.x(), data.y(), null, 4, true, -1));
      assertThrows(
          IllegalArgumentException.class,
          () -> ExactSolution.solve(backend, data.x(), data.y(), null, 0, true, 0));
    }
  }

  @Test
  void valuesThatHaveNoSquaresAreNamed() {
    onEveryBackend(
        (backend, arena) -> {
          for (double bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY, -1e308}) {
            for (double l2 : new double[] {0, 0.1}) {
              Dataset data = Datasets.plane(arena, DType.F64, 1, 20, 3, 1, 1);
              data.x().set(1, 2, bad);
              refused("row 2 of column 3 of tensor", backend, data, l2);
              refused(" is " + bad + ", ", backend, data, l2);
              data.x().set(1, 2, 0);
              data.y().set(4, 0, bad);
              refused("row 5 of column 1 of tensor", backend, data, l2);
            }
          }
        });
  }

  private static void refused(String part, Backend backend, Dataset data, double l2) {
    for (boolean hasIntercept : new boolean[] {true, false}) {
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  ExactSolution.solve(
                      backend, data.x(), data.y(), null, data.rows(), hasIntercept, l2));
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  @Test
  void shapesAndRowsThatDoNotFit() {
    onEveryBackend(
        (backend, arena) -> {
          Tensor x = arena.allocate("x", DType.F64, 20, 3).fill(1);
          Tensor y = arena.allocate("y", DType.F64, 20, 1).fill(1);
          Tensor index = arena.allocate("i", DType.I64, 2);
          index.setLong(1, 99);
          for (Tensor wrong :
              List.of(y.reshape(1, 20), y.reshape(20, 1, 1), y.rows(0, 19), index)) {
            Exception e =
                assertThrows(
                    IllegalArgumentException.class,
                    () -> ExactSolution.solve(backend, x, wrong, null, 20, true, 0));
            assertTrue(e.getMessage().contains(" needed"), e.getMessage());
          }
          Exception beyond =
              assertThrows(
                  IndexOutOfBoundsException.class,
                  () -> ExactSolution.solve(backend, x, y, null, 21, true, 0));
          assertTrue(beyond.getMessage().contains("[0, 0 + 21)"), beyond.getMessage());
          Exception entry =
              assertThrows(
                  IndexOutOfBoundsException.class,
                  () -> ExactSolution.solve(backend, x, y, index, 2, true, 0));
          assertTrue(entry.getMessage().contains("is row 99"), entry.getMessage());
        });
  }
}
