package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Level 1 to 3 kernels against double-precision loops. The bound of every sum is {@code (n + 8) u
 * sum |x_i y_i|} with u the unit roundoff: the longest chain of additions has at most n terms
 * (Higham 2002, section 3.1).
 */
@Tag("simd")
@Tag("conformance")
class LinearConformanceTest {
  private static final long[] COUNTS = {
    0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 4097, 9001
  };

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.conforming(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static double roundoff(DType dtype) {
    return dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
  }

  /** The elements, read once: every sum reads many of them again. */
  private static double[][] columns(Tensor t) {
    double[][] columns = new double[Math.toIntExact(t.cols())][Math.toIntExact(t.rows())];
    for (int j = 0; j < columns.length; j++) {
      for (int i = 0; i < columns[j].length; i++) {
        columns[j][i] = t.get(i, j);
      }
    }
    return columns;
  }

  @Test
  void vectors() {
    Random random = new Random(7);
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (long count : COUNTS) {
          for (int offset : new int[] {0, 1, 3}) {
            try (Sentinels memory = new Sentinels()) {
              Tensor x = memory.tensor("x", dtype, offset, count);
              Tensor y = memory.tensor("y", dtype, offset, count);
              Noise.fill(random, x, y);
              double dot = 0;
              double magnitudes = 0;
              double squares = 0;
              double sum = 0;
              for (long i = 0; i < count; i++) {
                dot += x.get(i) * y.get(i);
                magnitudes += Math.abs(x.get(i) * y.get(i));
                squares += x.get(i) * x.get(i);
                sum += Math.abs(x.get(i));
              }
              double u = (count + 8) * roundoff(dtype);
              String what = backend.name() + " " + dtype + " " + count;
              assertEquals(dot, linear.dot(x, y), u * magnitudes, what);
              assertEquals(Math.sqrt(squares), linear.norm2(x), u * Math.sqrt(squares), what);
              assertEquals(sum, linear.norm1(x), u * sum, what);
              assertTrue(linear.isFinite(x));
              double[] before = y.toArray();
              linear.axpy(0.7, x, y);
              for (int i = 0; i < count; i++) {
                double expected = before[i] + 0.7 * x.get(i);
                double largest = Math.abs(before[i]) + Math.abs(0.7 * x.get(i));
                assertEquals(expected, y.get(i), 4 * roundoff(dtype) * largest, what + " axpy");
              }
              before = y.toArray();
              linear.lerp(0.3, x, y);
              for (int i = 0; i < count; i++) {
                double expected = before[i] + 0.3 * (x.get(i) - before[i]);
                double largest = Math.abs(before[i]) + Math.abs(x.get(i));
                assertEquals(expected, y.get(i), 4 * roundoff(dtype) * largest, what + " mix");
              }
              memory.check(what);
            }
          }
        }
      }
    }
  }

  @Test
  void symmetricProducts() {
    Random random = new Random(8);
    long[][] shapes = {{0, 3}, {1, 1}, {7, 5}, {40, 33}, {300, 17}, {65, 300}, {129, 257}};
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (long[] shape : shapes) {
          for (double beta : new double[] {0, 0.5}) {
            try (Sentinels memory = new Sentinels()) {
              long d = shape[1];
              Tensor a = memory.tensor("a", dtype, 1, shape[0], d);
              Tensor c = memory.tensor("c", dtype, 3, d, d);
              Noise.fill(random, a);
              for (long i = 0; i < d; i++) {
                for (long j = 0; j < d; j++) {
                  c.set(i, j, beta == 0 ? Double.NaN : i + j);
                }
              }
              backend.linear().syrk(0.7, a, beta, c);
              String what = backend.name() + " " + dtype + " syrk " + shape[0] + " x " + d;
              double[][] columns = columns(a);
              for (int i = 0; i < d; i++) {
                for (int j = 0; j < d; j++) {
                  double expected = beta * (i + j);
                  double largest = Math.abs(expected);
                  for (int l = 0; l < shape[0]; l++) {
                    double product = 0.7 * columns[i][l] * columns[j][l];
                    expected += product;
                    largest += Math.abs(product);
                  }
                  double bound = (shape[0] + 8) * roundoff(dtype) * largest;
                  assertEquals(expected, c.get(i, j), bound, what);
                  assertEquals(c.get(i, j), c.get(j, i), bound, () -> what + " symmetry");
                }
              }
              memory.check(what);
            }
          }
        }
      }
    }
  }

  /**
   * {@code |L L^T - A|_ij <= (d + 1) u / (1 - (d + 1) u) * (|L| |L|^T)_ij} (Higham 2002, theorem
   * 10.3).
   */
  @Test
  void choleskyFactors() {
    Random random = new Random(9);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int d : new int[] {1, 2, 3, 15, 16, 17, 40, 130}) {
          try (Sentinels memory = new Sentinels()) {
            Tensor a = memory.tensor("a", dtype, 1, d, d);
            double[][] before = new double[d][d];
            for (int i = 0; i < d; i++) {
              for (int j = 0; j <= i; j++) {
                a.set(i, j, i == j ? 2.0 * d : random.nextGaussian());
                before[i][j] = a.get(i, j);
              }
              for (int j = i + 1; j < d; j++) {
                a.set(i, j, 77);
              }
            }
            String what = backend.name() + " " + dtype + " cholesky " + d;
            assertTrue(backend.linear().cholesky(a), what);
            for (int i = 0; i < d; i++) {
              for (int j = 0; j <= i; j++) {
                double product = 0;
                double largest = 0;
                for (int l = 0; l <= j; l++) {
                  product += a.get(i, l) * a.get(j, l);
                  largest += Math.abs(a.get(i, l) * a.get(j, l));
                }
                double bound = 2 * (d + 1) * roundoff(dtype) * largest;
                assertEquals(before[i][j], product, bound, what);
              }
              for (int j = i + 1; j < d; j++) {
                assertEquals(77, a.get(i, j), what + " upper triangle");
              }
            }
            memory.check(what);
          }
        }
      }
    }
  }

  @Test
  void choleskyRefusesIndefiniteMatrices() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("indefinite")) {
        for (int d : new int[] {1, 5, 40}) {
          Tensor a = arena.allocate("a", DType.F64, d, d);
          for (int i = 0; i < d; i++) {
            a.set(i, i, i == d - 1 ? -1 : 1);
          }
          assertFalse(backend.linear().cholesky(a), backend.name() + d);
        }
      }
    }
  }

  @Test
  void norm2NeitherOverflowsNorUnderflows() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("norm")) {
        for (double magnitude : new double[] {1e-300, 1e-160, 1e160, 1e300}) {
          Tensor x = arena.allocate("x", DType.F64, 33).fill(magnitude);
          assertEquals(
              Math.sqrt(33) * magnitude,
              backend.linear().norm2(x),
              1e-14 * Math.sqrt(33) * magnitude,
              backend.name());
        }
        for (double magnitude : new double[] {1e-38, 1e38}) {
          Tensor x = arena.allocate("x", DType.F32, 33).fill(magnitude);
          double stored = x.get(0);
          assertEquals(Math.sqrt(33) * stored, backend.linear().norm2(x), 1e-6 * 6 * stored);
        }
        Tensor x = arena.allocate("x", DType.F64, 20);
        assertEquals(0.0, backend.linear().norm2(x));
        x.set(19, Double.NEGATIVE_INFINITY);
        assertEquals(Double.POSITIVE_INFINITY, backend.linear().norm2(x));
        x.set(3, Double.NaN);
        assertTrue(Double.isNaN(backend.linear().norm2(x)));
      }
    }
  }

  @Test
  void oneBadElementAnywhereIsFound() {
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        try (TensorArena arena = TensorArena.open("finite")) {
          Tensor x = arena.allocate("x", dtype, 77).fill(1e30);
          assertTrue(backend.linear().isFinite(x));
          for (double bad :
              new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            for (int i = 0; i < 77; i++) {
              x.set(i, bad);
              assertFalse(backend.linear().isFinite(x), backend.name() + " " + bad + " at " + i);
              x.set(i, 1);
            }
          }
        }
      }
    }
  }

  @Test
  void matrixTimesVector() {
    Random random = new Random(8);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (long[] size :
            new long[][] {{1, 1}, {3, 5}, {5, 3}, {64, 17}, {257, 33}, {1000, 100}, {3, 2000}}) {
          for (Transpose transpose : Transpose.values()) {
            for (double beta : new double[] {0, 1, -0.5}) {
              try (Sentinels memory = new Sentinels()) {
                long m = size[0];
                long n = size[1];
                Tensor wide = memory.tensor("wide", dtype, 1, m, n + 3);
                Tensor a = wide.columns(2, n);
                boolean no = transpose == Transpose.NO;
                Tensor x = memory.tensor("x", dtype, 0, no ? n : m);
                Tensor y = memory.tensor("y", dtype, 3, no ? m : n);
                Noise.fill(random, wide, x, y);
                if (beta == 0) {
                  y.fill(Double.NaN);
                }
                double[] before = y.toArray();
                backend.linear().gemv(transpose, 1.5, a, x, beta, y);
                for (int i = 0; i < y.count(); i++) {
                  double sum = 0;
                  double magnitudes = 0;
                  for (int l = 0; l < x.count(); l++) {
                    double product = (no ? a.get(i, l) : a.get(l, i)) * x.get(l);
                    sum += product;
                    magnitudes += Math.abs(product);
                  }
                  double old = beta == 0 ? 0 : beta * before[i];
                  assertEquals(
                      1.5 * sum + old,
                      y.get(i),
                      (x.count() + 8) * roundoff(dtype) * (1.5 * magnitudes + Math.abs(old)),
                      backend.name() + " " + dtype + " gemv " + transpose + " " + m + "x" + n);
                }
                memory.check(backend.name() + " gemv");
              }
            }
          }
        }
      }
    }
  }

  @Test
  void matrixTimesMatrix() {
    Random random = new Random(9);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int[] size :
            new int[][] {
              {1, 1, 1},
              {3, 5, 2},
              {4, 16, 8},
              {5, 33, 17},
              {8, 16, 8},
              {9, 40, 11},
              {20, 31, 48},
              {61, 1, 23},
              {64, 64, 64},
              {65, 70, 300},
              {130, 600, 40}
            }) {
          for (Transpose ta : Transpose.values()) {
            for (Transpose tb : Transpose.values()) {
              multiply(backend, dtype, size[0], size[1], size[2], ta, tb, 0, random);
              multiply(backend, dtype, size[0], size[1], size[2], ta, tb, 1, random);
            }
          }
        }
      }
    }
  }

  private static void multiply(
      Backend backend,
      DType dtype,
      int m,
      int n,
      int k,
      Transpose ta,
      Transpose tb,
      double beta,
      Random random) {
    try (Sentinels memory = new Sentinels()) {
      boolean na = ta == Transpose.NO;
      boolean nb = tb == Transpose.NO;
      Tensor a = memory.tensor("A", dtype, 1, na ? m : k, (na ? k : m) + 1).columns(0, na ? k : m);
      Tensor b = memory.tensor("B", dtype, 0, nb ? k : n, nb ? n : k);
      Tensor c = memory.tensor("C", dtype, 3, m, n);
      Noise.fill(random, a, b, c);
      double[] before = c.toArray();
      if (beta == 0) {
        c.fill(Double.NaN);
      }
      backend.linear().gemm(ta, tb, 0.5, a, b, beta, c);
      double[][] left = na ? Datasets.rows(a) : columns(a);
      double[][] right = nb ? columns(b) : Datasets.rows(b);
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          double magnitudes = 0;
          for (int l = 0; l < k; l++) {
            double product = left[i][l] * right[j][l];
            sum += product;
            magnitudes += Math.abs(product);
          }
          double old = beta * before[i * n + j];
          double expected = 0.5 * sum + old;
          double bound = (k + 8) * roundoff(dtype) * (0.5 * magnitudes + Math.abs(old));
          if (!(Math.abs(expected - c.get(i, j)) <= bound)) {
            assertEquals(
                expected,
                c.get(i, j),
                bound,
                "%s %s gemm %s %s %dx%dx%d at %d,%d"
                    .formatted(backend.name(), dtype, ta, tb, m, n, k, i, j));
          }
        }
      }
      memory.check(backend.name() + " gemm");
    }
  }

  @net.jqwik.api.Tag("simd")
  @net.jqwik.api.Tag("conformance")
  @Property(tries = 60)
  void predictionsOfAnyRange(
      @ForAll @IntRange(min = 1, max = 200) int rows,
      @ForAll @IntRange(min = 1, max = 70) int features,
      @ForAll @IntRange(min = 1, max = 4) int outputs,
      @ForAll @IntRange(min = 0, max = 199) int start,
      @ForAll boolean intercept,
      @ForAll long seed) {
    List<Backend> opened = TestBackends.conforming(1);
    Random random = new Random(seed);
    long first = start % rows;
    long count = rows - first;
    for (Backend backend : opened) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        try (Sentinels memory = new Sentinels()) {
          Tensor x = memory.tensor("X", dtype, 1, rows, features);
          Tensor w = memory.tensor("w", dtype, 0, outputs, features);
          Tensor b = intercept ? memory.tensor("b", dtype, 0, outputs) : null;
          Tensor out = memory.tensor("out", dtype, 2, count, outputs);
          Noise.fill(random, x, w);
          if (b != null) {
            Noise.fill(random, b);
          }
          backend.linear().predict(x, first, count, new Linear(w, b), out);
          for (int i = 0; i < count; i++) {
            for (int j = 0; j < outputs; j++) {
              double sum = b == null ? 0 : b.get(j);
              double magnitudes = Math.abs(sum);
              for (int f = 0; f < features; f++) {
                double product = x.get(first + i, f) * w.get(j, f);
                sum += product;
                magnitudes += Math.abs(product);
              }
              assertEquals(sum, out.get(i, j), (features + 8) * roundoff(dtype) * magnitudes);
            }
          }
          memory.check("predict");
        }
      }
    }
    TestBackends.close(opened);
  }
}
