package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Gradients by the normal equations: how far they are from exact ones, and what they refuse. */
class NormalEquationsTest {
  /** One panel and less, exactly one, and more; the reference in decimals takes its time. */
  private static final int[][] SHAPES = {
    {1, 1, 1}, {2, 3, 2}, {37, 5, 1}, {1024, 2, 1}, {1025, 3, 2}, {2500, 6, 3}, {5, 40, 2}
  };

  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.host(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /**
   * The gradient in decimals without rounding, and how far from it both computations may be. Roots
   * of mean squares, which are part of the bounds, are computed in double precision; their own
   * rounding is some 1e-13 of the bounds.
   */
  static final class Exact {
    final double[] values;

    /** Of gradients by the normal equations: as the class states them. */
    final double[] byEquations;

    /** Of gradients by rows: as GradientConformanceTest derives them. */
    final double[] byRows;

    Exact(EquationProblem p) {
      int n = (int) p.x.rows();
      int d = (int) p.x.cols();
      int k = (int) p.y.cols();
      int outputs = p.b == null ? 0 : k;
      values = new double[k * d + outputs + k];
      byEquations = new double[values.length];
      byRows = new double[values.length];
      double u = p.x.dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
      double chain = (d + 256 + 8) * u;
      double gamma = gamma(n + 2 * d + 12);
      Moments[] columns = new Moments[d];
      for (int f = 0; f < d; f++) {
        columns[f] = new Moments(p.x, f, p.b != null);
      }
      for (int j = 0; j < k; j++) {
        BigDecimal[] sums = zeros(d + 2);
        double[] sizes = new double[d + 2];
        double b = p.b == null ? 0 : p.b.get(j);
        for (int i = 0; i < n; i++) {
          BigDecimal r = decimal(b).subtract(decimal(p.y.get(i, j)));
          double size = Math.abs(b) + Math.abs(p.y.get(i, j));
          for (int f = 0; f < d; f++) {
            r = r.add(decimal(p.x.get(i, f)).multiply(decimal(p.w.get(j, f))));
            size += Math.abs(p.x.get(i, f) * p.w.get(j, f));
          }
          for (int f = 0; f < d; f++) {
            sums[f] = sums[f].add(r.multiply(decimal(p.x.get(i, f))));
            sizes[f] += size * Math.abs(p.x.get(i, f));
          }
          sums[d] = sums[d].add(r);
          sizes[d] += size;
          sums[d + 1] = sums[d + 1].add(r.multiply(r));
          sizes[d + 1] += size * size;
        }
        Moments target = new Moments(p.y, j, p.b != null);
        double s = target.root;
        double a = Math.abs(b) + Math.abs(target.mean);
        for (int f = 0; f < d; f++) {
          s += columns[f].root * Math.abs(p.w.get(j, f));
          a += Math.abs(columns[f].mean * p.w.get(j, f));
        }
        double e = gamma * s + (p.b == null ? 0 : gamma(2 * d + 12) * a);
        double residual = p.b == null ? 0 : Math.abs(mean(sums[d], n, 1));
        for (int f = 0; f < d; f++) {
          double bound =
              6 * gamma * columns[f].root * (s + residual + e) + 2 * Math.abs(columns[f].mean) * e;
          set(j * d + f, mean(sums[f], n, 2), bound, u, 2 * chain * sizes[f] / n);
        }
        if (p.b != null) {
          set(k * d + j, mean(sums[d], n, 2), 2 * e, u, 2 * chain * sizes[d] / n);
        }
        double bound = 3 * gamma * s * s + 2 * residual * e + e * e;
        double rows = 2 * chain * sizes[d + 1] / n;
        set(k * d + outputs + j, mean(sums[d + 1], n, 1), bound, 0, rows);
      }
    }

    /** The normal equations compute in F64 and round once to the type of the gradient. */
    private void set(int i, double value, double equations, double u, double rows) {
      values[i] = value;
      // Half an ulp of F64 is in the decimal's own conversion.
      byEquations[i] = equations + (u + 0x1p-53) * (Math.abs(value) + equations);
      byRows[i] = rows;
    }

    private static double gamma(int roundings) {
      double relative = roundings * 0x1p-53;
      return relative / (1 - relative);
    }

    private static BigDecimal decimal(double value) {
      return new BigDecimal(value);
    }

    private static BigDecimal[] zeros(int count) {
      BigDecimal[] zeros = new BigDecimal[count];
      Arrays.fill(zeros, BigDecimal.ZERO);
      return zeros;
    }

    private static double mean(BigDecimal sum, int n, int factor) {
      return sum.multiply(BigDecimal.valueOf(factor))
          .divide(BigDecimal.valueOf(n), new MathContext(40))
          .doubleValue();
    }
  }

  /** Mean and root mean square of a centered column. */
  private static final class Moments {
    final double mean;
    final double root;

    Moments(Tensor t, int col, boolean center) {
      double sum = 0;
      for (int i = 0; center && i < t.rows(); i++) {
        sum += t.get(i, col);
      }
      mean = sum / t.rows();
      double squares = 0;
      for (int i = 0; i < t.rows(); i++) {
        squares += Math.pow(t.get(i, col) - mean, 2);
      }
      root = Math.sqrt(squares / t.rows());
    }
  }

  static void within(double[] expected, double[] found, double[] bounds, String what) {
    assertEquals(expected.length, found.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], bounds[i], what + " value " + i);
    }
  }

  /** Both are within their bounds of the exact gradient, and so within the sum of each other. */
  @Test
  void agreesWithTheGradientByRows() {
    for (int[] shape : SHAPES) {
      for (DType dtype : TYPES) {
        for (boolean hasIntercept : new boolean[] {true, false}) {
          try (TensorArena arena = TensorArena.open("agree")) {
            EquationProblem p =
                new EquationProblem(arena, dtype, shape[0], shape[1], shape[2], hasIntercept);
            Exact exact = new Exact(p.randomize(shape[0]));
            for (Backend backend : backends) {
              String what =
                  "%s %s %s intercept %s"
                      .formatted(backend.name(), dtype, Arrays.toString(shape), hasIntercept);
              p.byEquations(p.equations(backend, arena));
              within(exact.values, p.written(), exact.byEquations, what + " by equations");
              p.byRows(backend);
              within(exact.values, p.written(), exact.byRows, what + " by rows");
            }
          }
        }
      }
    }
  }

  /**
   * Timestamps, and a constant whose sum of 1,024 rounds in one direction. Sums of their squares
   * would be wrong by up to {@code gamma A^2}, a millionth of the loss here; and means without what
   * rounding left out of them would be wrong by more than the {@code gamma_(2 d + 12) A} of the
   * bound.
   */
  @Test
  void centeredColumnsKeepTheDigitsThatTheirMeansWouldTake() {
    try (TensorArena arena = TensorArena.open("far")) {
      EquationProblem p = new EquationProblem(arena, DType.F64, 3000, 3, 1, true).randomize(1);
      for (int i = 0; i < 3000; i++) {
        p.x.set(i, 1, 1e6 + p.x.get(i, 1));
        // The last bits of 300,000 and some, 0011111111, are cut off where sums are 2^9 and 2^10
        // times it.
        p.x.set(i, 2, Double.longBitsToDouble(Double.doubleToLongBits(3e5) | 0xFF));
      }
      // Residuals of the size of the noise, as those of a model that fits.
      p.w.copyFrom(1, 1e-3, 3);
      p.b.set(0, -9e5 - 1e3);
      Exact exact = new Exact(p);
      int last = exact.values.length - 1;
      assertTrue(exact.byEquations[last] < 1e-8 * exact.values[last]);
      for (Backend backend : backends) {
        p.byEquations(p.equations(backend, arena));
        within(exact.values, p.written(), exact.byEquations, backend.name());
      }
    }
  }

  /**
   * Two columns, 1 and {@code 1 + e t} with t = +-1, at w = (1, -1) and y = 0: residuals are {@code
   * -e t}, and the gradient is exactly {@code (0, -2 e^2)}.
   *
   * <p>By rows every operation is exact: {@code -e t (1 + e t)} has as many bits as {@code 1 / e}.
   * G holds {@code 1 + e^2}, which for e = 2^-30 rounds to 1 however it is summed, since sums of
   * {@code 1 +- 2 e + e^2} are next to a multiple of 2 e: the gradient becomes 0 and all its digits
   * are lost, within the bound. For columns in F32, here e = 2^-20, F64 holds {@code 1 + e^2} and
   * nothing is lost.
   */
  @Test
  void columnsThatNearlyCancelLoseDigits() {
    for (DType dtype : TYPES) {
      double e = dtype == DType.F64 ? 0x1p-30 : 0x1p-20;
      try (TensorArena arena = TensorArena.open("collinear")) {
        EquationProblem p = new EquationProblem(arena, dtype, 4, 2, 1, false);
        for (int i = 0; i < 4; i++) {
          p.x.set(i, 0, 1);
          p.x.set(i, 1, 1 + (i % 2 == 0 ? e : -e));
        }
        p.w.copyFrom(1, -1);
        Exact exact = new Exact(p);
        assertEquals(-2 * e * e, exact.values[1], 0.0);
        for (Backend backend : backends) {
          String what = backend.name() + " " + dtype;
          p.byRows(backend);
          assertArrayEquals(exact.values, p.written(), 0.0, what + " by rows");
          p.byEquations(p.equations(backend, arena));
          within(exact.values, p.written(), exact.byEquations, what);
          double[] found = dtype == DType.F64 ? new double[3] : exact.values;
          assertArrayEquals(found, p.written(), 0.0, what);
        }
      }
    }
  }

  /**
   * y = x + e t with t = +-1 orthogonal to x: at w = 1 the loss is {@code e^2}, which by rows is
   * exact. {@code q = 1 + e^2} rounds to 1 for e = 2^-30, {@code G = c = 1} are exact, and {@code 1
   * - 2 + 1} is 0.
   */
  @Test
  void lossNextToAPerfectFitIsBelowItsError() {
    double e = 0x1p-30;
    try (TensorArena arena = TensorArena.open("fit")) {
      for (boolean hasIntercept : new boolean[] {true, false}) {
        EquationProblem p = new EquationProblem(arena, DType.F64, 4, 1, 1, hasIntercept);
        p.x.copyFrom(1, 1, -1, -1);
        p.y.copyFrom(1 + e, 1 - e, -1 + e, -1 - e);
        p.w.set(0, 1);
        Exact exact = new Exact(p);
        for (Backend backend : backends) {
          int last = exact.values.length - 1;
          p.byRows(backend);
          assertArrayEquals(exact.values, p.written(), 0.0, backend.name());
          assertEquals(e * e, p.written()[last], 0.0, backend.name());
          p.byEquations(p.equations(backend, arena));
          within(exact.values, p.written(), exact.byEquations, backend.name());
          assertEquals(0.0, p.written()[last], 0.0, backend.name());
        }
      }
    }
  }

  /** Rounding may leave a sum of squares below zero; nobody gets a negative one. */
  @Test
  void lossIsNotNegative() {
    for (Backend backend : backends) {
      for (int seed = 0; seed < 20; seed++) {
        try (TensorArena arena = TensorArena.open("perfect")) {
          EquationProblem p = new EquationProblem(arena, DType.F64, 50, 3, 1, true).randomize(seed);
          for (int i = 0; i < 50; i++) {
            double value = p.b.get(0);
            for (int f = 0; f < 3; f++) {
              value += p.w.get(0, f) * p.x.get(i, f);
            }
            p.y.set(i, 0, value);
          }
          p.byEquations(p.equations(backend, arena));
          assertTrue(p.loss.get(0) >= 0, backend.name());
        }
      }
    }
  }

  @Test
  void rowsOfTheIndexCountAndNoOthers() {
    int[] rows = {7, 2, 9, 2};
    for (Backend backend : backends) {
      for (DType dtype : TYPES) {
        try (TensorArena arena = TensorArena.open("index")) {
          Tensor table = arena.allocate("table", dtype, 10, 8);
          Tensor x = table.columns(1, 3);
          Tensor y = table.columns(5, 2);
          EquationProblem chosen = new EquationProblem(arena, dtype, 4, 3, 2, true).randomize(1);
          table.fill(Double.NaN);
          Tensor index = arena.allocate("index", DType.I64, 6);
          index.setLong(0, 8);
          for (int i = 0; i < 4; i++) {
            index.setLong(i + 1, rows[i]);
            x.rows(rows[i], 1).copyFrom(chosen.x.rows(i, 1));
            y.rows(rows[i], 1).copyFrom(chosen.y.rows(i, 1));
          }
          chosen.x.rows(1, 1).copyFrom(chosen.x.rows(3, 1));
          chosen.y.rows(1, 1).copyFrom(chosen.y.rows(3, 1));
          chosen.byEquations(chosen.equations(backend, arena));
          double[] expected = chosen.written();
          chosen.byEquations(
              NormalEquations.of(
                  backend, arena, new Batch(new DenseRows(x, y), index), 1, 4, true));
          assertArrayEquals(expected, chosen.written(), backend.name());
          // A part of rows in order.
          chosen.byEquations(
              NormalEquations.of(
                  backend, arena, new Batch(chosen.x.rows(1, 2), chosen.y.rows(1, 2)), 1, 1, true));
          double[] one = chosen.written();
          chosen.byEquations(
              NormalEquations.of(backend, arena, new Batch(chosen.x, chosen.y), 2, 1, true));
          assertArrayEquals(one, chosen.written(), backend.name());
        }
      }
    }
  }

  /** Enough rows for several panels, and features for all threads of product and gradient. */
  @Test
  void sameBitsForAnyNumberOfThreads() {
    for (String name : TestBackends.hostNames()) {
      // The reference has one thread.
      int d = name.equals("scalar") ? 9 : 300;
      for (DType dtype : TYPES) {
        double[] expected = null;
        for (int threads : new int[] {1, 2, 3, 8}) {
          try (Backend backend = Backends.open(name, new BackendOptions(threads));
              TensorArena arena = TensorArena.open("threads")) {
            EquationProblem p = new EquationProblem(arena, dtype, 2100, d, 2, true).randomize(3);
            for (int repeat = 0; repeat < 2; repeat++) {
              p.byEquations(p.equations(backend, arena));
              expected = expected == null ? p.written() : expected;
              assertArrayEquals(
                  expected, p.written(), 0.0, "%s %s %d".formatted(name, dtype, threads));
            }
          }
        }
      }
    }
  }

  /** The gradient by rows of the same data has a NaN in the same places. */
  @Test
  void valuesThatAreNotFiniteSpread() {
    for (Backend backend : backends) {
      for (boolean hasIntercept : new boolean[] {true, false}) {
        for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
          try (TensorArena arena = TensorArena.open("cells")) {
            EquationProblem p =
                new EquationProblem(arena, DType.F64, 30, 3, 2, hasIntercept).randomize(1);
            p.x.set(11, 2, value);
            p.w.fill(0);
            p.byEquations(p.equations(backend, arena));
            for (double written : p.written()) {
              assertTrue(Double.isNaN(written), backend.name() + " " + value);
            }
            p.randomize(1).y.set(11, 1, Double.NaN);
            p.byEquations(p.equations(backend, arena));
            for (int f = 0; f < 3; f++) {
              assertTrue(Double.isFinite(p.gw.get(0, f)));
              assertTrue(Double.isNaN(p.gw.get(1, f)));
            }
            assertTrue(Double.isFinite(p.loss.get(0)));
            assertTrue(Double.isNaN(p.loss.get(1)));
          }
        }
      }
    }
  }

  /** A loss beyond F64 is infinite or NaN. */
  @Test
  void overflowIsNotAPerfectFit() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("overflow")) {
        EquationProblem p = new EquationProblem(arena, DType.F64, 30, 3, 1, true).randomize(1);
        NormalEquations equations = p.equations(backend, arena);
        for (double size : new double[] {1e200, -1e200, 1e308}) {
          p.w.fill(size);
          p.byEquations(equations);
          assertTrue(!Double.isFinite(p.loss.get(0)), backend.name() + " " + size);
        }
      }
    }
  }

  /** F32 parameters on F64 data, and the other way round: the data are not read any more. */
  @Test
  void typeOfTheParametersIsFree() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("types")) {
        EquationProblem p = new EquationProblem(arena, DType.F64, 50, 3, 2, true);
        EquationProblem q = new EquationProblem(arena, DType.F32, 50, 3, 2, true).randomize(1);
        p.x.copyFrom(q.x);
        p.y.copyFrom(q.y);
        p.w.copyFrom(q.w);
        p.b.copyFrom(q.b);
        p.byEquations(p.equations(backend, arena));
        q.byEquations(p.equations(backend, arena));
        for (int i = 0; i < 6; i++) {
          assertEquals((float) p.gw.get(i), (float) q.gw.get(i), 0.0f, backend.name());
        }
        assertArrayEquals(p.loss.toArray(), q.loss.toArray(), 0.0, backend.name());
        double[] expected = p.written();
        p.byEquations(q.equations(backend, arena));
        assertArrayEquals(expected, p.written(), 0.0, backend.name());
      }
    }
  }
}
