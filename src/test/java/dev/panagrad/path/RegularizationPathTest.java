package dev.panagrad.path;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Paths of small data, checked row by row. */
class RegularizationPathTest {
  private Backend backend;
  private TensorArena arena;

  @BeforeEach
  void open() {
    backend = Backends.open("scalar", BackendOptions.defaults());
    arena = TensorArena.open("data");
  }

  @AfterEach
  void close() {
    arena.close();
    backend.close();
  }

  private Dataset data(double[][] x, double[][] y) {
    return Datasets.of(arena, DType.F64, x, y);
  }

  private static double mse(Dataset data, PathResult result, int value, int fold) {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < data.rows(); i++) {
      if (fold < 0 || i % result.foldMse()[0].length == fold) {
        double z = result.intercepts()[value] - data.y().get(i, 0);
        for (int j = 0; j < data.features().size(); j++) {
          z += result.coefficients()[value][j] * data.x().get(i, j);
        }
        sum += z * z;
        count++;
      }
    }
    return sum / count;
  }

  /** Conditions of optimality, from the rows, of standardized features. */
  private static double violation(Dataset data, PathResult result, int value, boolean centered) {
    Penalty penalty = result.penalty(value);
    int n = (int) data.rows();
    double worst = 0;
    for (int j = 0; j < data.features().size(); j++) {
      double mean = 0;
      for (int i = 0; i < n && centered; i++) {
        mean += data.x().get(i, j) / n;
      }
      double square = 0;
      double product = 0;
      for (int i = 0; i < n; i++) {
        double z = result.intercepts()[value] - data.y().get(i, 0);
        for (int k = 0; k < data.features().size(); k++) {
          z += result.coefficients()[value][k] * data.x().get(i, k);
        }
        double x = data.x().get(i, j) - mean;
        square += x * x / n;
        product += 2 * z * x / n;
      }
      double scale = square < 1e-20 ? 1 : Math.sqrt(square);
      double w = result.coefficients()[value][j] * scale;
      double slope = product / scale + 2 * penalty.l2() * w;
      worst =
          Math.max(
              worst,
              w == 0
                  ? Math.abs(slope) - penalty.l1()
                  : Math.abs(slope + penalty.l1() * Math.signum(w)));
    }
    return worst / result.values()[value];
  }

  @ParameterizedTest
  @CsvSource({"L1, true", "L1, false", "ELASTIC, true", "ELASTIC, false", "L2, true", "L2, false"})
  void modelsAreOptimalAndErrorsThoseOfRows(PathPenalty kind, boolean hasIntercept) {
    for (int[] size : new int[][] {{30, 4}, {8, 12}, {200, 25}}) {
      double[][] x = Datasets.normal(5, size[0], size[1]);
      double[][] y = Datasets.normal(6, size[0], 1);
      for (int i = 0; i < x.length; i++) {
        x[i][0] = 1e4 + 100 * x[i][0];
        x[i][2] = x[i][1];
        x[i][3] = 0.1;
        y[i][0] += 0.02 * x[i][0] - 2 * x[i][1] + 7;
      }
      Dataset data = data(x, y);
      RegularizationPath path = RegularizationPath.of(kind).values(50).folds(4).inOrder();
      PathResult result = (hasIntercept ? path : path.withoutIntercept()).fit(data, backend);
      assertEquals(0, result.unconverged());
      assertEquals(hasIntercept ? List.of("x4") : List.of(), result.constantFeatures());
      for (int i = 0; i < 50; i++) {
        assertTrue(violation(data, result, i, hasIntercept) < 1e-6, kind + ", value " + i);
        assertEquals(mse(data, result, i, -1), result.trainingMse()[i], 1e-7);
        assertTrue(!hasIntercept || result.coefficients()[i][3] == 0);
      }
      if (kind != PathPenalty.L2) {
        assertEquals(0, result.nonzero(0));
        assertTrue(result.nonzero(1) > 0);
      }
      for (int none : new int[] {-1, 50, Integer.MAX_VALUE}) {
        for (Executable call :
            List.<Executable>of(
                () -> result.model(none), () -> result.nonzero(none), () -> result.penalty(none))) {
          String text = assertThrows(IndexOutOfBoundsException.class, call).getMessage();
          assertEquals("the path has 50 values: there is no value " + none, text);
        }
      }
    }
  }

  /** The model of the other rows, by a path of these alone; their scales differ, so no penalty. */
  @Test
  void foldErrorsAreThoseOfModelsOfTheOtherRows() {
    double[][] x = Datasets.normal(1, 40, 3);
    double[][] y = Datasets.normal(2, 40, 1);
    double[] weak = {2e-9, 1e-9};
    PathResult all =
        RegularizationPath.of(PathPenalty.L2).at(weak).folds(4).inOrder().fit(data(x, y), backend);
    for (int f = 0; f < 4; f++) {
      double[][] otherX = new double[30][];
      double[][] otherY = new double[30][];
      int at = 0;
      for (int i = 0; i < 40; i++) {
        if (i % 4 != f) {
          otherX[at] = x[i];
          otherY[at++] = y[i];
        }
      }
      PathResult others =
          RegularizationPath.of(PathPenalty.L2)
              .at(weak)
              .folds(4)
              .fit(data(otherX, otherY), backend);
      double sum = 0;
      for (int i = f; i < 40; i += 4) {
        double z = others.intercepts()[1] - y[i][0];
        for (int j = 0; j < 3; j++) {
          z += others.coefficients()[1][j] * x[i][j];
        }
        sum += z * z / 10;
      }
      assertEquals(sum, all.foldMse()[1][f], 1e-7);
    }
  }

  /** A fold's models know neither its rows nor what these would have filled in. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void cellsAreFilledByTheOtherFolds(boolean isMedian) {
    double[][] y = Datasets.normal(2, 40, 1);
    BitSet missing = new BitSet();
    for (int i = 0; i < 40; i += 3) {
      missing.set(i);
    }
    Dataset whole = data(filled(missing, -1, isMedian), y);
    double[] before = whole.x().toArray();
    RegularizationPath path = RegularizationPath.of(PathPenalty.L2).at(2e-9, 1e-9).folds(4);
    PathResult found = path.inOrder().filled(Map.of(1, missing), isMedian).fit(whole, backend);
    assertArrayEquals(before, whole.x().toArray(), "as they were");
    RegularizationPath plain = RegularizationPath.of(PathPenalty.L2).at(2e-9, 1e-9).folds(4);
    PathResult leaking = plain.inOrder().fit(whole, backend);
    assertArrayEquals(leaking.coefficients()[1], found.coefficients()[1], "of all rows");
    double leak = 0;
    for (int f = 0; f < 4; f++) {
      PathResult refilled = plain.fit(data(filled(missing, f, isMedian), y), backend);
      assertEquals(refilled.foldMse()[1][f], found.foldMse()[1][f], 1e-7);
      leak = Math.max(leak, Math.abs(leaking.foldMse()[1][f] - found.foldMse()[1][f]));
    }
    assertTrue(leak > 1e-3, "filled by all rows, the errors differ by " + leak);
  }

  /** What is missing in column 1 is filled by the rows that are not in that fold. */
  private static double[][] filled(BitSet missing, int without, boolean isMedian) {
    double[][] x = Datasets.normal(1, 40, 3);
    double[] known =
        IntStream.range(0, 40)
            .filter(i -> !missing.get(i) && i % 4 != without)
            .mapToDouble(i -> x[i][1])
            .sorted()
            .toArray();
    int n = known.length;
    double value =
        isMedian
            ? (known[n / 2] + known[(n - 1) / 2]) / 2
            : Arrays.stream(known).average().orElseThrow();
    missing.stream().forEach(i -> x[i][1] = value);
    return x;
  }

  /** A rare category, all of whose rows are in one fold, is constant in the others. */
  @ParameterizedTest
  @EnumSource
  void categoryOfOneFold(PathPenalty kind) {
    double[][] x = Datasets.normal(1, 40, 3);
    double[][] y = Datasets.normal(2, 40, 1);
    for (int i = 0; i < 40; i++) {
      x[i][2] = i == 8 ? 1e9 : 0.1;
      y[i][0] += x[i][0];
    }
    PathResult with =
        RegularizationPath.of(kind).at(1, 1e-8).folds(4).inOrder().fit(data(x, y), backend);
    double[][] less = new double[40][];
    for (int i = 0; i < 40; i++) {
      less[i] = new double[] {x[i][0], x[i][1]};
    }
    PathResult without =
        RegularizationPath.of(kind).at(1, 1e-8).folds(4).inOrder().fit(data(less, y), backend);
    for (int i = 0; i < 2; i++) {
      assertEquals(without.foldMse()[i][0], with.foldMse()[i][0], 1e-9);
    }
  }

  /** Rows read, products and the solver's multiplications together, against 50 runs from zero. */
  @ParameterizedTest
  @EnumSource(names = {"L1", "ELASTIC"})
  void warmStartsSaveWork(PathPenalty kind) {
    int d = 40;
    Dataset data = Datasets.plane(arena, DType.F64, 3, 2000, d, 1, 5);
    PathResult warm = RegularizationPath.of(kind).values(50).fit(data, backend);
    PathResult cold = RegularizationPath.of(kind).values(50).cold().fit(data, backend);
    for (int i = 0; i < 50; i++) {
      assertArrayEquals(cold.coefficients()[i], warm.coefficients()[i], 1e-9);
    }
    double products = 2000.0 * d * (d + 1);
    double path = products + warm.multiplyAdds();
    double runs = 50 * products + cold.multiplyAdds();
    assertTrue(runs > 5 * path, path + " and " + runs);
    assertTrue(warm.multiplyAdds() < cold.multiplyAdds());
  }

  /** Of the solver alone, where features share a factor and nearly as many as rows. */
  @Test
  void warmStartsSaveSolverWork() {
    double[][] x = Datasets.normal(1, 120, 90);
    double[][] y = Datasets.normal(2, 120, 1);
    double[][] shared = Datasets.normal(3, 120, 1);
    for (int i = 0; i < 120; i++) {
      for (int j = 0; j < 90; j++) {
        x[i][j] += 2 * shared[i][0];
        y[i][0] += j < 10 ? (j % 2 == 0 ? 1 : -1) * x[i][j] : 0;
      }
    }
    Dataset data = data(x, y);
    PathResult warm = RegularizationPath.of(PathPenalty.L1).values(50).fit(data, backend);
    PathResult cold = RegularizationPath.of(PathPenalty.L1).values(50).cold().fit(data, backend);
    assertEquals(0, warm.unconverged());
    assertTrue(
        cold.multiplyAdds() > 5 * warm.multiplyAdds(),
        warm.multiplyAdds() + " and " + cold.multiplyAdds());
  }

  @Test
  void f32RowsAndSeeds() {
    Dataset data = Datasets.plane(arena, DType.F32, 3, 100, 4, 1, 1);
    RegularizationPath path = RegularizationPath.of(PathPenalty.L1).values(10);
    PathResult first = path.seed(1).fit(data, backend);
    assertArrayEquals(first.validationMse(), path.seed(1).fit(data, backend).validationMse());
    PathResult other = path.seed(2).fit(data, backend);
    assertTrue(first.validationMse()[5] != other.validationMse()[5]);
    // Folds are merged in another order of rows.
    assertArrayEquals(first.coefficients()[5], other.coefficients()[5], 1e-12);
    assertTrue(
        first.validationMse()[first.oneStandardErrorIndex()]
            <= first.validationMse()[first.chosenIndex()]
                + first.standardError()[first.chosenIndex()]);
    assertTrue(first.oneStandardErrorIndex() <= first.chosenIndex());
  }

  /**
   * A feature that repeats others leaves an eigenvalue that is rounding, larger than the penalty.
   */
  @Test
  void penaltyBelowRounding() {
    double[][] x = Datasets.normal(1, 40, 3);
    for (double[] row : x) {
      row[2] = row[0] + row[1];
    }
    double[][] y = Datasets.normal(2, 40, 1);
    RegularizationPath path = RegularizationPath.of(PathPenalty.L2).at(1, 1e-300).folds(10);
    String message = "";
    for (int seed = 0; seed < 20 && message.isEmpty(); seed++) {
      try {
        path.seed(seed).fit(data(x, y), backend);
      } catch (IllegalArgumentException e) {
        message = e.getMessage();
      }
    }
    assertTrue(message.contains("L2 penalty of 1.0E-300"), message);
    assertTrue(message.contains("repeat others"), message);
    PathResult found =
        RegularizationPath.of(PathPenalty.L2).at(1, 1e-9).folds(10).fit(data(x, y), backend);
    assertTrue(Double.isFinite(found.validationMse()[1]));
  }

  private void refused(Class<? extends Exception> type, Dataset data, String... parts) {
    String message =
        assertThrows(type, () -> RegularizationPath.of(PathPenalty.L1).fit(data, backend))
            .getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void dataThatHaveNoPath() {
    double[][] x = Datasets.normal(1, 20, 2);
    double[][] y = Datasets.normal(2, 20, 1);
    double[][] constant = new double[20][];
    double[][] nothing = new double[20][2];
    double[][] tiny = new double[20][];
    for (int i = 0; i < 20; i++) {
      constant[i] = new double[] {0.1};
      tiny[i] = new double[] {x[i][0], 1e-160 * x[i][1]};
    }
    refused(DataException.class, data(x, constant), "y1", "0.1");
    refused(DataException.class, data(nothing, y), "no feature varies");
    refused(IllegalArgumentException.class, data(tiny, y), "x2", "1e-290");
    refused(IllegalArgumentException.class, data(x, Datasets.normal(1, 20, 2)), "one target");
    x[7][1] = Double.NaN;
    refused(DataException.class, data(x, y), "row 8", "x2", "NaN");
    refused(
        DataException.class,
        data(Datasets.normal(1, 9, 2), Datasets.normal(2, 9, 1)),
        "5 folds",
        "4");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, -1, 1e-11, Double.NaN, Double.POSITIVE_INFINITY})
  void ratioIsInItsRange(double ratio) {
    RegularizationPath path = RegularizationPath.of(PathPenalty.L1);
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> path.ratio(ratio))
            .getMessage()
            .contains("[1e-10, 1)"));
  }

  @Test
  void optionsAreInTheirRanges() {
    RegularizationPath path = RegularizationPath.of(PathPenalty.L1);
    for (int count : new int[] {Integer.MIN_VALUE, 1, 1001}) {
      assertThrows(IllegalArgumentException.class, () -> path.values(count));
      assertThrows(IllegalArgumentException.class, () -> path.folds(count));
    }
    assertThrows(IllegalArgumentException.class, () -> path.share(0.5));
    assertThrows(IllegalArgumentException.class, () -> path.at(1, 1));
    assertThrows(IllegalArgumentException.class, () -> path.at(1, 0));
    assertThrows(IllegalArgumentException.class, () -> path.at(1));
    RegularizationPath elastic = RegularizationPath.of(PathPenalty.ELASTIC);
    assertThrows(IllegalArgumentException.class, () -> elastic.share(0));
    assertThrows(IllegalArgumentException.class, () -> elastic.share(1.5));
  }
}
