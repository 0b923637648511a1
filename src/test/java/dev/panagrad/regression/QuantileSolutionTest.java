package dev.panagrad.regression;

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
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Quantile regression against the optimum of its linear program. */
class QuantileSolutionTest {
  private static final double[] TAUS = {0.01, 0.1, 0.25, 0.5, 0.77, 0.9, 0.99};

  /** Brownlee (1965): air flow, water temperature, acid concentration, stack loss. */
  private static final double[][] STACKLOSS = {
    {80, 27, 89, 42}, {80, 27, 88, 37}, {75, 25, 90, 37}, {62, 24, 87, 28}, {62, 22, 87, 18},
    {62, 23, 87, 18}, {62, 24, 93, 19}, {62, 24, 93, 20}, {58, 23, 87, 15}, {58, 18, 80, 14},
    {58, 18, 89, 14}, {58, 17, 88, 13}, {58, 18, 82, 11}, {58, 19, 93, 12}, {50, 18, 89, 8},
    {50, 18, 86, 7}, {50, 19, 72, 8}, {50, 19, 79, 8}, {50, 20, 80, 9}, {56, 20, 82, 15},
    {70, 20, 91, 15}
  };

  @SuppressWarnings("ArrayRecordComponent") // not compared
  private record Problem(
      double[][] x, double[] y, double[] s, double[] offset, boolean hasIntercept) {
    Problem(double[][] x, double[] y) {
      this(x, y, null, null, true);
    }

    QuantileSolution solve(double tau) {
      return solve(DType.F64, tau);
    }

    QuantileSolution solve(DType dtype, double tau) {
      try (Backend backend = Backends.open("simd", new BackendOptions(1));
          TensorArena arena = TensorArena.open("quantile")) {
        double[][] targets =
            Arrays.stream(y).mapToObj(v -> new double[] {v}).toArray(double[][]::new);
        DenseRows rows =
            new DenseRows(
                Datasets.matrix(arena, "X", dtype, x),
                Datasets.matrix(arena, "y", dtype, targets),
                vector(arena, dtype, s),
                vector(arena, dtype, offset));
        return QuantileSolution.solve(backend, new Batch(rows), y.length, hasIntercept, tau);
      }
    }

    private static Tensor vector(TensorArena arena, DType dtype, double[] values) {
      if (values == null) {
        return null;
      }
      Tensor t = arena.allocate("per row", dtype, values.length);
      IntStream.range(0, values.length).forEach(i -> t.set(i, values[i]));
      return t;
    }

    double weight(int i) {
      return s == null ? 1 : s[i];
    }

    double right(int i) {
      return y[i] - (offset == null ? 0 : offset[i]);
    }

    double residual(int i, double[] w, double b) {
      double r = right(i) - b;
      for (int c = 0; c < w.length; c++) {
        r -= x[i][c] * w[c];
      }
      return r;
    }

    double loss(double tau, double[] w, double b) {
      double sum = 0;
      double total = 0;
      for (int i = 0; i < y.length; i++) {
        double r = weight(i) == 0 ? 0 : residual(i, w, b);
        sum += weight(i) * Math.max(tau * r, (tau - 1) * r);
        total += weight(i);
      }
      return sum / total;
    }

    /** The same problem without offsets of columns, in which Cramer's rule would lose digits. */
    Problem nearZero() {
      double[][] shifted =
          Arrays.stream(x)
              .map(
                  row ->
                      IntStream.range(0, row.length)
                          .mapToDouble(c -> row[c] - (hasIntercept ? x[0][c] : 0))
                          .toArray())
              .toArray(double[][]::new);
      return new Problem(shifted, y, s, offset, hasIntercept);
    }

    /** The least loss of all planes through as many rows as there are coefficients, or some. */
    double least(double tau) {
      int m = x[0].length + (hasIntercept ? 1 : 0);
      double best = Double.POSITIVE_INFINITY;
      for (int columns = 0; columns < 1 << m; columns++) {
        int[] kept = bits(columns);
        for (int rows = 0; rows < 1 << y.length; rows++) {
          if (Integer.bitCount(rows) == kept.length) {
            double[] z = through(bits(rows), kept, m);
            double[] w = Arrays.copyOf(z, x[0].length);
            best = Math.min(best, loss(tau, w, hasIntercept ? z[m - 1] : 0));
          }
        }
      }
      return best;
    }

    private static int[] bits(int set) {
      return IntStream.range(0, 31).filter(i -> (set >> i & 1) == 1).toArray();
    }

    /** By Cramer's rule; zeros if the rows are dependent. */
    private double[] through(int[] rows, int[] columns, int m) {
      double[][] a = new double[rows.length][rows.length];
      for (int i = 0; i < rows.length; i++) {
        for (int c = 0; c < rows.length; c++) {
          a[i][c] = columns[c] < x[0].length ? x[rows[i]][columns[c]] : 1;
        }
      }
      double[] z = new double[m];
      double whole = determinant(a);
      for (int c = 0; c < rows.length && Math.abs(whole) > 1e-12; c++) {
        double[][] replaced = Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
        for (int i = 0; i < rows.length; i++) {
          replaced[i][c] = right(rows[i]);
        }
        z[columns[c]] = determinant(replaced) / whole;
      }
      return z;
    }

    private static double determinant(double[][] a) {
      if (a.length == 0) {
        return 1;
      }
      double sum = 0;
      for (int c = 0; c < a.length; c++) {
        int left = c;
        double[][] minor =
            Arrays.stream(a)
                .skip(1)
                .map(
                    row ->
                        IntStream.range(0, row.length)
                            .filter(k -> k != left)
                            .mapToDouble(k -> row[k])
                            .toArray())
                .toArray(double[][]::new);
        sum += (c % 2 == 0 ? 1 : -1) * a[0][c] * determinant(minor);
      }
      return sum;
    }
  }

  /** The reported loss is that of the coefficients, and the gap proves it, to rounding. */
  private static QuantileSolution check(Problem problem, double tau, String what) {
    QuantileSolution found = problem.solve(tau);
    double loss = problem.loss(tau, found.coefficients()[0], found.intercept()[0]);
    double rounding = 0;
    for (int i = 0; i < problem.y.length; i++) {
      double size = problem.weight(i) == 0 ? 0 : Math.abs(problem.right(i));
      for (int c = 0; problem.weight(i) > 0 && c < problem.x[i].length; c++) {
        size += Math.abs(problem.x[i][c] * found.coefficients()[0][c]);
      }
      rounding = Math.max(rounding, size + Math.abs(found.intercept()[0]));
    }
    rounding *= 64 * 0x1p-53;
    assertEquals(loss, found.loss()[0], 1e-11 * loss + rounding, what);
    assertTrue(found.gap()[0] >= 0, what);
    assertTrue(
        found.gap()[0] <= 1e-8 * loss + rounding,
        () -> what + ": gap " + found.gap()[0] + " of " + loss + " after " + found.iterations());
    assertTrue(found.iterations() < 60, () -> what + ": " + found.iterations());
    return found;
  }

  private static Problem random(Random random, int n, int d, int kind) {
    double[][] x = new double[n][d];
    double[] y = new double[n];
    double[] s = new double[n];
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < d; c++) {
        x[i][c] = kind % 3 == 0 ? random.nextInt(3) : random.nextGaussian();
        x[i][c] += kind % 5 == 4 ? 1e6 : 0;
      }
      y[i] = kind % 2 == 0 ? random.nextInt(4) : random.nextGaussian();
      s[i] = kind % 4 == 3 ? random.nextInt(3) : random.nextDouble();
    }
    s[0] = 1;
    return new Problem(x, y, kind % 7 < 3 ? null : s, null, kind % 11 != 10);
  }

  @Test
  void bestOfAllPlanesThroughRows() {
    Random random = new Random(1);
    for (int turn = 0; turn < 400; turn++) {
      int d = 1 + turn % 2;
      Problem problem = random(random, d + 1 + random.nextInt(11 - d), d, turn);
      double tau = TAUS[turn % TAUS.length];
      String what = "turn " + turn + " tau " + tau;
      QuantileSolution found = check(problem, tau, what);
      double least = problem.nearZero().least(tau);
      assertEquals(least, found.loss()[0], 1e-9 * least + 1e-9 * (turn % 5 == 4 ? 1 : 1e-5), what);
    }
  }

  @Test
  void stackloss() {
    double[][] x =
        Arrays.stream(STACKLOSS).map(row -> Arrays.copyOf(row, 3)).toArray(double[][]::new);
    Problem problem = new Problem(x, Arrays.stream(STACKLOSS).mapToDouble(row -> row[3]).toArray());
    for (double tau : TAUS) {
      check(problem, tau, "tau " + tau);
    }
    // Koenker (2005), Quantile regression: the median of these data.
    QuantileSolution median = problem.solve(0.5);
    assertEquals(-39.68985507246377, median.intercept()[0], 1e-11);
    assertEquals(0.8318840579710145, median.coefficients()[0][0], 1e-13);
    assertEquals(0.5739130434782609, median.coefficients()[0][1], 1e-13);
    assertEquals(-0.06086956521739130, median.coefficients()[0][2], 1e-13);
  }

  @Test
  void engel() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("engel")) {
      Dataset data = Datasets.resource(arena, DType.F64, "engel", "foodexp");
      double[][] known = {
        {0.1, 110.14157, 0.40177}, {0.5, 81.48225, 0.56018}, {0.9, 67.35087, 0.68630}
      };
      for (double[] line : known) {
        QuantileSolution found =
            QuantileSolution.solve(
                backend, new Batch(data.x(), data.y()), data.rows(), true, line[0]);
        assertEquals(line[1], found.intercept()[0], 6e-6);
        assertEquals(line[2], found.coefficients()[0][0], 6e-6);
        assertTrue(found.gap()[0] < 1e-12 * found.loss()[0]);
      }
    }
  }

  /** Counts, half of them zero: thousands of rows are on the plane, or equal. */
  @Test
  void countsWithTies() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("counts")) {
      Dataset data = Datasets.resource(arena, DType.F64, "randhie", "mdvis");
      for (double tau : new double[] {0.1, 0.5, 0.9}) {
        QuantileSolution found =
            QuantileSolution.solve(backend, new Batch(data.x(), data.y()), data.rows(), true, tau);
        assertTrue(
            found.gap()[0] <= 1e-8 * found.loss()[0] + 1e-14,
            () ->
                tau + ": " + found.gap()[0] + " of " + found.loss()[0] + " " + found.iterations());
      }
    }
  }

  @Test
  void weightsAreRepeatedRowsAndRowsOfWeightZeroAreLeftOut() {
    Random random = new Random(2);
    for (int turn = 0; turn < 50; turn++) {
      double[][] x = Datasets.normal(turn, 60, 3);
      double[] y = random.doubles(60).toArray();
      double[] s = IntStream.range(0, 60).mapToDouble(i -> i % 3).toArray();
      int[] repeated =
          IntStream.range(0, 60).flatMap(i -> IntStream.range(0, i % 3).map(k -> i)).toArray();
      Problem alone =
          new Problem(
              Arrays.stream(repeated).mapToObj(i -> x[i]).toArray(double[][]::new),
              Arrays.stream(repeated).mapToDouble(i -> y[i]).toArray());
      for (int i = 0; i < 60; i += 3) {
        x[i][1] = i % 2 == 0 ? Double.NaN : 1e300;
      }
      for (double unit : new double[] {1, 1e-300, 1e290}) {
        double[] weights = Arrays.stream(s).map(v -> v * unit).toArray();
        double tau = TAUS[1 + turn % 5];
        QuantileSolution weighted =
            check(new Problem(x, y, weights, null, true), tau, "turn " + turn);
        QuantileSolution once = alone.solve(tau);
        assertEquals(once.loss()[0], weighted.loss()[0], 1e-13);
        for (int c = 0; c < 3; c++) {
          assertEquals(once.coefficients()[0][c], weighted.coefficients()[0][c], 1e-11);
        }
      }
    }
  }

  @Test
  void weightsOfEveryMagnitude() {
    Random random = new Random(3);
    for (int turn = 0; turn < 60; turn++) {
      int n = 20 + turn;
      double[] s = random.doubles(n, -300, 300).map(e -> Math.pow(10, e)).toArray();
      double[] y = random.doubles(n).toArray();
      check(new Problem(Datasets.normal(turn, n, 2), y, s, null, true), 0.3, "turn " + turn);
    }
  }

  @Test
  void columnsThatAreConstantOrDependOnOthers() {
    for (int turn = 0; turn < 30; turn++) {
      double[][] x = Datasets.normal(turn, 80, 5);
      double[] y = new Random(turn).doubles(80).toArray();
      double[][] less = Arrays.stream(x).map(row -> Arrays.copyOf(row, 3)).toArray(double[][]::new);
      for (double[] row : x) {
        row[3] = 7;
        row[4] = row[0] - 2 * row[1];
      }
      double tau = TAUS[turn % TAUS.length];
      QuantileSolution found = check(new Problem(x, y), tau, "turn " + turn);
      assertEquals(new Problem(less, y).solve(tau).loss()[0], found.loss()[0], 1e-13);
      assertEquals(0.0, found.coefficients()[0][3], 0.0);
      check(new Problem(x, y, null, null, false), tau, "without intercept, turn " + turn);
    }
  }

  @Test
  void fewRowsAreMetExactly() {
    for (int n = 1; n <= 6; n++) {
      double[][] x = Datasets.normal(n, n, 6);
      double[] y = new Random(n).doubles(n).toArray();
      for (boolean hasIntercept : new boolean[] {true, false}) {
        QuantileSolution found = check(new Problem(x, y, null, null, hasIntercept), 0.2, "n " + n);
        assertEquals(0, found.loss()[0], 1e-14);
      }
      QuantileSolution none = check(new Problem(new double[n][2], y, null, null, false), 0.2, "");
      assertEquals(0.2 * Arrays.stream(y).sum() / n, none.loss()[0], 1e-15);
      Arrays.fill(y, 0.3);
      assertEquals(0.3, check(new Problem(x, y), 0.9, "equal").intercept()[0], 0.0);
    }
  }

  @Test
  void offsetsOfRowsAndOfColumns() {
    for (int turn = 0; turn < 20; turn++) {
      double[][] x = Datasets.normal(turn, 200, 3);
      double[] y = new Random(turn).doubles(200).toArray();
      QuantileSolution plain = new Problem(x, y).solve(0.7);
      double[] offset = new double[200];
      for (int i = 0; i < 200; i++) {
        offset[i] = 5 * x[i][1];
        y[i] += offset[i];
        x[i][0] += 1e8;
        x[i][2] *= 1e-9;
      }
      Problem problem = new Problem(x, y, null, offset, true);
      QuantileSolution found = problem.solve(0.7);
      assertEquals(plain.coefficients()[0][0], found.coefficients()[0][0], 1e-6);
      assertEquals(plain.coefficients()[0][1], found.coefficients()[0][1], 1e-6);
      assertEquals(plain.coefficients()[0][2], found.coefficients()[0][2] * 1e-9, 1e-6);
      assertEquals(plain.loss()[0], found.loss()[0], 1e-8);
      assertTrue(found.gap()[0] < 1e-12);
      // Of both sums here, which columns far from zero make wrong by more than the gap.
      double loss = problem.loss(0.7, found.coefficients()[0], found.intercept()[0]);
      assertEquals(loss, found.loss()[0], 2 * found.rounding()[0]);
      assertTrue(found.rounding()[0] < 1e-7 && found.rounding()[0] > found.gap()[0]);
    }
  }

  @Test
  void rowsOfF32AndSeveralBlocksAndOutliers() {
    Random random = new Random(5);
    double[][] x = Datasets.normal(5, 5000, 4);
    double[] y = new double[5000];
    for (int i = 0; i < y.length; i++) {
      for (int c = 0; c < 4; c++) {
        x[i][c] = (float) x[i][c];
      }
      y[i] = (float) (x[i][0] - x[i][3] + random.nextGaussian() * (i % 50 == 0 ? 1e6 : 1));
    }
    Problem problem = new Problem(x, y);
    for (double tau : TAUS) {
      QuantileSolution wide = check(problem, tau, "tau " + tau);
      QuantileSolution narrow = problem.solve(DType.F32, tau);
      assertEquals(wide.loss()[0], narrow.loss()[0], 1e-14 * wide.loss()[0]);
      assertEquals(
          wide.coefficients()[0][0], narrow.coefficients()[0][0], 1e-11 * (1 + wide.loss()[0]));
    }
  }

  /** Multipliers of the rows on the plane, found here, prove that no other plane is better. */
  @Test
  void multipliersProveTheMinimum() {
    double[][] x = Datasets.normal(6, 3000, 2);
    double[] y = new Random(6).doubles(3000).toArray();
    Problem problem = new Problem(x, y);
    for (double tau : TAUS) {
      QuantileSolution found = problem.solve(tau);
      double[] w = found.coefficients()[0];
      double[][] on = new double[3][];
      double[] right = new double[3];
      int count = 0;
      for (int i = 0; i < y.length; i++) {
        double r = problem.residual(i, w, found.intercept()[0]);
        double[] row = {x[i][0], x[i][1], 1};
        if (Math.abs(r) < 1e-12) {
          on[count++] = row;
        } else {
          for (int c = 0; c < 3; c++) {
            right[c] -= row[c] * (r > 0 ? tau : tau - 1);
          }
        }
      }
      assertEquals(3, count);
      for (int j = 0; j < 3; j++) {
        double[][] replaced = on.clone();
        replaced[j] = right;
        double a = Problem.determinant(replaced) / Problem.determinant(on);
        assertTrue(a >= tau - 1 - 1e-9 && a <= tau + 1e-9, "tau " + tau + ": " + a);
      }
    }
  }

  @Test
  void wrongArguments() {
    Problem problem = new Problem(new double[][] {{1}, {2}}, new double[] {1, 2});
    assertThrows(IllegalArgumentException.class, () -> problem.solve(1));
    Problem bad = new Problem(new double[][] {{1}, {Double.NaN}}, new double[] {1, 2});
    Exception e = assertThrows(IllegalArgumentException.class, () -> bad.solve(0.5));
    assertTrue(e.getMessage().contains("row 2 of column 1"), e.getMessage());
    Problem none = new Problem(problem.x, problem.y, new double[2], null, true);
    assertThrows(IllegalArgumentException.class, () -> none.solve(0.5));
  }
}
