package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
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

  /** Data, parameters, and room for what a gradient writes. */
  private static final class Problem {
    final Tensor x;
    final Tensor y;
    final Tensor w;
    final Tensor b;
    final Tensor gw;
    final Tensor gb;
    final Tensor loss;

    Problem(TensorArena arena, DType dtype, int n, int d, int k, boolean hasIntercept) {
      x = arena.allocate("X", dtype, n, d);
      y = arena.allocate("y", dtype, n, k);
      w = arena.allocate("w", dtype, k, d);
      b = hasIntercept ? arena.allocate("b", dtype, k) : null;
      gw = arena.allocate("gw", dtype, k, d);
      gb = hasIntercept ? arena.allocate("gb", dtype, k) : null;
      loss = arena.allocate("loss", DType.F64, k);
    }

    /** Columns with means of up to 5 deviations, a line in noise, and parameters somewhere. */
    Problem randomize(long seed) {
      Random random = new Random(seed);
      for (int f = 0; f < x.cols(); f++) {
        double mean = 10 * random.nextDouble() - 5;
        for (int i = 0; i < x.rows(); i++) {
          x.set(i, f, mean + random.nextGaussian());
        }
      }
      for (int i = 0; i < y.rows(); i++) {
        for (int j = 0; j < y.cols(); j++) {
          y.set(i, j, x.get(i, 0) - 7 * j + random.nextGaussian());
        }
      }
      for (Tensor t : b == null ? List.of(w) : List.of(w, b)) {
        for (int i = 0; i < t.count(); i++) {
          t.set(i, random.nextGaussian());
        }
      }
      return this;
    }

    NormalEquations equations(Backend backend, TensorArena arena) {
      return NormalEquations.of(backend, arena, x, y, b != null);
    }

    void byEquations(NormalEquations equations) {
      equations.gradient(new Linear(w, b), new Gradient(gw, gb, loss));
    }

    void byRows(Backend backend) {
      backend
          .linear()
          .gradient(
              new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, gb, loss));
    }

    /** All that a gradient writes. */
    double[] written() {
      List<Double> values = new ArrayList<>();
      for (Tensor t : gb == null ? List.of(gw, loss) : List.of(gw, gb, loss)) {
        for (double value : t.toArray()) {
          values.add(value);
        }
      }
      return values.stream().mapToDouble(value -> value).toArray();
    }
  }

  /**
   * The gradient in decimals without rounding, and how far from it both computations may be. Roots
   * of mean squares, which are part of the bounds, are computed in double precision; their own
   * rounding is some 1e-13 of the bounds.
   */
  private static final class Exact {
    final double[] values;

    /** Of gradients by the normal equations: as the class states them. */
    final double[] byEquations;

    /** Of gradients by rows: as GradientConformanceTest derives them. */
    final double[] byRows;

    Exact(Problem p) {
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

  private static void within(double[] expected, double[] found, double[] bounds, String what) {
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
            Problem p = new Problem(arena, dtype, shape[0], shape[1], shape[2], hasIntercept);
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
      Problem p = new Problem(arena, DType.F64, 3000, 3, 1, true).randomize(1);
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
        Problem p = new Problem(arena, dtype, 4, 2, 1, false);
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
        Problem p = new Problem(arena, DType.F64, 4, 1, 1, hasIntercept);
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
          Problem p = new Problem(arena, DType.F64, 50, 3, 1, true).randomize(seed);
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
          Problem chosen = new Problem(arena, dtype, 4, 3, 2, true).randomize(1);
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
            Problem p = new Problem(arena, dtype, 2100, d, 2, true).randomize(3);
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
            Problem p = new Problem(arena, DType.F64, 30, 3, 2, hasIntercept).randomize(1);
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
        Problem p = new Problem(arena, DType.F64, 30, 3, 1, true).randomize(1);
        NormalEquations equations = p.equations(backend, arena);
        for (double size : new double[] {1e200, -1e200, 1e308}) {
          p.w.fill(size);
          p.byEquations(equations);
          assertTrue(!Double.isFinite(p.loss.get(0)), backend.name() + " " + size);
        }
      }
    }
  }

  private static void refuses(
      Class<? extends RuntimeException> type, String message, Consumer<TensorArena> call) {
    try (TensorArena arena = TensorArena.open("refused")) {
      long before = arena.bytes();
      RuntimeException e = assertThrows(type, () -> call.accept(arena));
      assertTrue(e.getMessage().contains(message), e.getMessage());
      assertEquals(before, arena.bytes(), "nothing is allocated");
    }
  }

  @Test
  void dataThatCannotBeSummed() {
    Class<IllegalArgumentException> argument = IllegalArgumentException.class;
    Class<IndexOutOfBoundsException> bounds = IndexOutOfBoundsException.class;
    Backend backend = backends.getFirst();
    try (TensorArena data = TensorArena.open("data")) {
      Tensor x = data.allocate("x", DType.F64, 5, 2);
      Tensor y = data.allocate("y", DType.F64, 5);
      Tensor index = data.allocate("index", DType.I64, 5);
      index.setLong(3, 5);
      refuses(
          argument,
          "0 rows have no mean",
          arena -> NormalEquations.of(backend, arena, x.rows(0, 0), y.rows(0, 0), false));
      refuses(
          argument,
          "at least 1 feature",
          arena ->
              NormalEquations.of(backend, arena, data.allocate("x", DType.F64, 5, 0), y, true));
      refuses(
          argument,
          "'y' has shape [4] where [5, outputs]",
          arena -> NormalEquations.of(backend, arena, x, y.rows(0, 4), true));
      refuses(
          argument,
          "'y' is F64 where F32",
          arena ->
              NormalEquations.of(backend, arena, data.allocate("x", DType.F32, 5, 2), y, true));
      refuses(
          argument,
          "where a matrix is needed",
          arena -> NormalEquations.of(backend, arena, y, y, true));
      refuses(
          argument,
          "is I64 where F32 or F64",
          arena -> NormalEquations.of(backend, arena, index, y, true));
      refuses(
          bounds,
          "[3, 3 + 3) are not inside tensor 'x' of 5 rows",
          arena -> NormalEquations.of(backend, arena, new Batch(x, y), 3, 3, true));
      refuses(
          bounds,
          "entry 3 of 'index' is row 5, tensor 'x' has 5 rows",
          arena ->
              NormalEquations.of(
                  backend, arena, new Batch(new DenseRows(x, y), index), 1, 3, true));
      refuses(
          bounds,
          "not inside tensor 'index'",
          arena ->
              NormalEquations.of(
                  backend, arena, new Batch(new DenseRows(x, y), index), -1, 3, true));
    }
  }

  /** Without rows there is nothing that so many features would need memory for. */
  @Test
  void tooManyFeatures() {
    assertEquals(8L * (64 * 64 + 3 * 2 * 64 + 1024 * 66), NormalEquations.requiredBytes(64, 2));
    assertTrue(NormalEquations.requiredBytes(NormalEquations.MAX_FEATURES, 1) < 4e9);
    for (long features : new long[] {NormalEquations.MAX_FEATURES + 1, 1L << 40, Long.MAX_VALUE}) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> NormalEquations.requiredBytes(features, 1));
      assertTrue(
          e.getMessage()
              .matches(
                  "the normal equations of %,d features take \\S+ GB; they are limited to 20,000 features, 3.20 GB; .*"
                      .formatted(features)),
          e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> NormalEquations.requiredBytes(1, 1L << 31));
    try (TensorArena data = TensorArena.open("wide");
        Arena one = Arena.ofShared()) {
      Tensor x = Tensor.wrap("x", one.allocate(160_008, 8), DType.F64, 1, 20_001);
      Tensor y = data.allocate("y", DType.F64, 1);
      refuses(
          IllegalArgumentException.class,
          "20,001 features",
          arena -> NormalEquations.of(backends.getFirst(), arena, x, y, true));
    }
  }

  @Test
  void parametersAndBuffersThatDoNotFit() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("buffers");
        Arena own = Arena.ofShared()) {
      Problem p = new Problem(arena, DType.F64, 5, 3, 2, true).randomize(1);
      Problem q = new Problem(arena, DType.F32, 5, 3, 2, true);
      Problem plain = new Problem(arena, DType.F64, 5, 3, 2, false);
      NormalEquations equations = p.equations(backend, arena);
      NormalEquations without = plain.equations(backend, arena);
      Tensor locked = Tensor.wrap("locked", own.allocate(48, 8).asReadOnly(), DType.F64, 2, 3);
      Tensor gaps = arena.allocate("gaps", DType.F64, 2, 4).columns(0, 3);
      List<Runnable> calls =
          List.of(
              () ->
                  equations.gradient(
                      new Linear(p.w.reshape(3, 2), p.b), new Gradient(p.gw, p.gb, p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w.reshape(6), p.b), new Gradient(p.gw, p.gb, p.loss)),
              () -> equations.gradient(new Linear(gaps, p.b), new Gradient(p.gw, p.gb, p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b), new Gradient(p.gw.reshape(3, 2), p.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(gaps, p.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(locked, p.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.w, p.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(q.gw, p.gb, p.loss)),
              () -> equations.gradient(new Linear(q.w, p.b), new Gradient(q.gw, q.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, q.gb, p.loss)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, p.b, p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b.rows(0, 1)), new Gradient(p.gw, p.gb, p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b), new Gradient(p.gw, p.gb.rows(0, 1), p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b), new Gradient(p.gw, p.gw.slice(0, 2), p.loss)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b), new Gradient(p.gw, p.gb, p.loss.rows(0, 1))),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, p.gb, q.gb)),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, p.gb, p.gb)),
              () ->
                  equations.gradient(
                      new Linear(p.w, p.b), new Gradient(p.gw, p.gb, p.gw.slice(2, 2))),
              () -> equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, null, p.loss)),
              () -> equations.gradient(new Linear(p.w, null), new Gradient(p.gw, null, p.loss)),
              () -> without.gradient(new Linear(p.w, p.b), new Gradient(p.gw, p.gb, p.loss)),
              () -> without.gradient(new Linear(p.w, null), new Gradient(p.gw, p.gb, p.loss)));
      double[] before = p.written();
      for (int i = 0; i < calls.size(); i++) {
        assertThrows(IllegalArgumentException.class, calls.get(i)::run, "call " + i);
        assertArrayEquals(before, p.written(), 0.0, "call " + i);
      }
      equations.gradient(new Linear(p.w, p.b), new Gradient(p.gw, p.gb, null));
      assertTrue(p.gw.get(0) != 0);
    }
  }

  /** F32 parameters on F64 data, and the other way round: the data are not read any more. */
  @Test
  void typeOfTheParametersIsFree() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("types")) {
        Problem p = new Problem(arena, DType.F64, 50, 3, 2, true);
        Problem q = new Problem(arena, DType.F32, 50, 3, 2, true).randomize(1);
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

  @Test
  void useAfterClose() {
    for (String name : TestBackends.hostNames()) {
      Backend backend = Backends.open(name, new BackendOptions(1));
      try (TensorArena arena = TensorArena.open("parameters")) {
        Problem p = new Problem(arena, DType.F64, 5, 3, 2, true).randomize(1);
        TensorArena own = TensorArena.open("equations");
        NormalEquations closed = p.equations(backend, own);
        NormalEquations equations = p.equations(backend, arena);
        own.close();
        IllegalStateException e =
            assertThrows(IllegalStateException.class, () -> p.byEquations(closed), name);
        assertTrue(e.getMessage().contains("'X^T X'"), e.getMessage());
        p.x.fill(Double.NaN);
        p.byEquations(equations);
        assertTrue(Double.isFinite(p.loss.get(0)), "the data are not read any more");
        backend.close();
        assertThrows(IllegalStateException.class, () -> p.byEquations(equations), name);
        assertThrows(IllegalStateException.class, () -> p.equations(backend, arena), name);
      }
    }
  }
}
