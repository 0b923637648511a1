package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every form of a vector, every overlap, and row numbers that change while they are read. */
@Tag("simd")
@Tag("conformance")
class OperandFormsTest {
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);
  private static final Loss SQUARED = new Squared();

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.conforming(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static long[][] forms(long n) {
    return new long[][] {{n}, {n, 1}, {1, n}, {1, 1, n}, {n, 1, 1}};
  }

  private static Tensor filled(Tensor t, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (long i = 0; i < t.count(); i++) {
      t.set(i, random.nextInt(-4, 5));
    }
    return t;
  }

  /** Small integers: every product and sum is exact. */
  @Test
  void productsTakeEveryFormOfAVector() {
    for (Backend backend : backends) {
      for (DType dtype : TYPES) {
        for (int m : new int[] {0, 1, 3, 40}) {
          for (int n : new int[] {0, 1, 5, 33}) {
            for (long[] xForm : forms(n)) {
              for (long[] yForm : forms(m)) {
                product(backend, dtype, Transpose.NO, m, n, xForm, yForm);
                product(backend, dtype, Transpose.YES, m, n, yForm, xForm);
              }
            }
          }
        }
      }
    }
  }

  private static void product(
      Backend backend, DType dtype, Transpose op, int m, int n, long[] xForm, long[] yForm) {
    try (Sentinels memory = new Sentinels()) {
      Tensor a = filled(memory.tensor("a", dtype, 1, m, n), 1);
      Tensor x = filled(memory.tensor("x", dtype, 2, xForm), 2);
      Tensor y = filled(memory.tensor("y", dtype, 3, yForm), 3);
      double[] expected = y.toArray();
      for (int i = 0; i < expected.length; i++) {
        expected[i] *= 0.5;
        for (int j = 0; j < x.count(); j++) {
          expected[i] += (op == Transpose.NO ? a.get(i, j) : a.get(j, i)) * x.get(j);
        }
      }
      backend.linear().gemv(op, 1, a, x, 0.5, y);
      String what =
          "%s %s %d x %d %s x %s y %s"
              .formatted(backend.name(), dtype, m, n, op, x.shape(), y.shape());
      assertArrayEquals(expected, y.toArray(), 0, what);
      memory.check(what);
    }
  }

  /** A vector of no elements may have any number of columns. */
  @Test
  void emptyVectorsScaleTheOutput() {
    for (Backend backend : backends) {
      for (DType dtype : TYPES) {
        for (long cols : new long[] {1, 2, 5, 1L << 40}) {
          try (TensorArena arena = TensorArena.open("empty")) {
            Tensor a = arena.allocate("a", dtype, 2, 0);
            Tensor x = arena.allocate("x", dtype, 0, cols);
            Tensor y = arena.allocate("y", dtype, 2).copyFrom(1, 2);
            backend.linear().gemv(Transpose.NO, 1, a, x, 0.5, y);
            assertArrayEquals(new double[] {0.5, 1}, y.toArray(), backend.name());
            assertEquals(0, backend.linear().dot(x, x), backend.name());
            assertEquals(0, backend.linear().norm2(x), backend.name());
            assertTrue(backend.linear().isFinite(x), backend.name());
            backend.linear().axpy(2, x, arena.allocate("y", dtype, 0));
          }
        }
      }
    }
  }

  @Test
  void vectorCallsTakeEveryForm() {
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      for (DType dtype : TYPES) {
        for (long[] xForm : forms(7)) {
          for (long[] yForm : forms(7)) {
            try (TensorArena arena = TensorArena.open("forms")) {
              Tensor x = arena.allocate("x", dtype, xForm).copyFrom(1, 2, 3, -4, 5, 6, 7);
              Tensor y = arena.allocate("y", dtype, yForm).fill(2);
              String what = backend.name() + x + y;
              assertEquals(40, linear.dot(x, y), what);
              assertEquals(28, linear.norm1(x), what);
              assertEquals(Math.sqrt(140), linear.norm2(x), 1e-6, what);
              linear.axpy(2, x, y);
              assertArrayEquals(new double[] {4, 6, 8, -6, 12, 14, 16}, y.toArray(), what);
              linear.lerp(0.5, x, y);
              assertArrayEquals(new double[] {2.5, 4, 5.5, -5, 8.5, 10, 11.5}, y.toArray(), what);
            }
          }
        }
      }
    }
  }

  /** Intercepts, their gradient, the loss, the index and targets in every form they may have. */
  @Test
  void gradientsTakeEveryForm() {
    for (Backend backend : backends) {
      for (DType dtype : TYPES) {
        for (int form = 0; form < 3; form++) {
          try (TensorArena arena = TensorArena.open("forms")) {
            Tensor x = filled(arena.allocate("x", dtype, 9, 5), 1);
            Tensor y = filled(arena.allocate("y", dtype, 9, 3), 2);
            Tensor w = filled(arena.allocate("w", dtype, 3, 5), 3);
            Tensor b = filled(arena.allocate("b", dtype, forms(3)[form]), 4);
            Tensor index = arena.allocate("index", DType.I64, forms(4)[form]);
            for (int i = 0; i < 4; i++) {
              index.setLong(i, 8 - 2 * i);
            }
            Tensor gw = arena.allocate("gw", dtype, 3, 5);
            Tensor gb = arena.allocate("gb", dtype, forms(3)[form]);
            Tensor loss = arena.allocate("loss", DType.F64, forms(3)[form]);
            backend
                .linear()
                .gradient(
                    new Batch(new DenseRows(x, y), index),
                    1,
                    2,
                    SQUARED,
                    new Linear(w, b),
                    new Gradient(gw, gb, loss));
            for (int j = 0; j < 3; j++) {
              double[] expected = new double[7];
              for (int row : new int[] {6, 4}) {
                double r = b.get(j) - y.get(row, j);
                for (int f = 0; f < 5; f++) {
                  r += x.get(row, f) * w.get(j, f);
                }
                for (int f = 0; f < 5; f++) {
                  expected[f] += r * x.get(row, f);
                }
                expected[5] += r;
                expected[6] += r * r / 2;
              }
              String what = backend.name() + dtype + form;
              for (int f = 0; f < 5; f++) {
                assertEquals(expected[f], gw.get(j, f), what);
              }
              assertEquals(expected[5], gb.get(j), what);
              assertEquals(expected[6], loss.get(j), what);
            }
          }
        }
      }
    }
  }

  /** No output may share memory with any input, which is as it was after the refusal. */
  @Test
  void outputsShareNoMemoryWithInputs() {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("overlap")) {
        Tensor all = arena.allocate("all", DType.F64, 64).fill(1);
        Tensor numbers = Tensor.wrap("numbers", all.segment().asSlice(0, 64 * 8), DType.I64, 64);
        Tensor x = arena.allocate("x", DType.F64, 8, 2);
        Tensor y = arena.allocate("y", DType.F64, 8);
        Linear model = new Linear(arena.allocate("w", DType.F64, 1, 2), null);
        Tensor gw = arena.allocate("gw", DType.F64, 1, 2);
        Gradient inAll = new Gradient(all.slice(6, 1, 2), null, null);
        Gradient lossInAll = new Gradient(gw, null, all.slice(7, 1));
        Tensor vector = all.slice(0, 8);
        for (long i = 0; i < 64; i++) {
          numbers.setLong(i, 0);
        }
        List<Batch> batches =
            List.of(
                new Batch(new DenseRows(x, vector), null),
                new Batch(new DenseRows(all.slice(0, 8, 2), y), null),
                new Batch(new DenseRows(x, y), numbers.slice(0, 8)));
        for (Gradient into : List.of(inAll, lossInAll)) {
          for (Batch batch : batches) {
            refusedOverlap(backend, batch, model, into);
          }
          if (backend.linear().supportsWeights()) {
            refusedOverlap(backend, new Batch(new DenseRows(x, y, vector, null)), model, into);
            refusedOverlap(backend, new Batch(new DenseRows(x, y, null, vector)), model, into);
          }
        }
        assertArrayEquals(new double[64], all.toArray(), backend.name());
      }
    }
  }

  private static void refusedOverlap(Backend backend, Batch batch, Linear model, Gradient into) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> backend.linear().gradient(batch, 0, 8, SQUARED, model, into),
            backend.name());
    assertTrue(e.getMessage().contains("share memory"), e.getMessage());
  }

  /**
   * Another thread writes row numbers while gradients read them: a call computes with rows, or
   * refuses a number that is none and writes nothing.
   */
  @Test
  void rowNumbersThatChange() throws InterruptedException {
    List<Backend> host = TestBackends.host(2);
    for (Backend backend : host) {
      for (long[] shape : new long[][] {{64, 3, 1}, {1_500, 120, 3}, {100, 9, 70}}) {
        changing(backend, shape[0], shape[1], shape[2]);
      }
    }
    TestBackends.close(host);
  }

  private static void changing(Backend backend, long rows, long features, long outputs)
      throws InterruptedException {
    try (TensorArena arena = TensorArena.open("numbers")) {
      Tensor x = arena.allocate("x", DType.F32, rows, features).fill(1);
      Tensor y = arena.allocate("y", DType.F32, rows, outputs);
      Tensor index = arena.allocate("index", DType.I64, rows);
      Tensor gw = arena.allocate("gw", DType.F32, outputs, features);
      Linear model = new Linear(arena.allocate("w", DType.F32, outputs, features).fill(1), null);
      Batch batch = new Batch(new DenseRows(x, y), index);
      Gradient into = new Gradient(gw, null, null);
      AtomicBoolean isOver = new AtomicBoolean();
      Thread writer =
          new Thread(
              () -> {
                while (!isOver.get()) {
                  index.setLong(rows / 2, -1L << 40);
                  Thread.onSpinWait();
                  index.setLong(rows / 2, 0);
                  Thread.onSpinWait();
                }
              });
      writer.start();
      try {
        // Residuals are the number of features, and so is every row.
        double right = 2.0 * features;
        for (int call = 0; call < 60; call++) {
          gw.fill(77);
          double expected = right;
          try {
            backend.linear().gradient(batch, 0, rows, SQUARED, model, into);
          } catch (IndexOutOfBoundsException e) {
            expected = 77;
            String said =
                "gradient: entry %d of 'index' is row -1099511627776, tensor 'x' has %,d"
                    .formatted(rows / 2, rows);
            assertTrue(e.getMessage().startsWith(said), e.getMessage());
          }
          for (double value : gw.toArray()) {
            assertEquals(expected, value, 1e-3, backend.name());
          }
        }
      } finally {
        isOver.set(true);
        writer.join();
      }
    }
  }

  /** The lower triangle, wherever the number is in it. */
  @Test
  void matricesThatAreNotFiniteHaveNoFactor() {
    for (Backend backend : backends) {
      for (DType dtype : TYPES) {
        for (int d : new int[] {1, 3, 15, 16, 40}) {
          for (double bad :
              new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            for (int[] at : new int[][] {{0, 0}, {d - 1, d - 1}, {d - 1, 0}, {d / 2, d / 3}}) {
              try (TensorArena arena = TensorArena.open("matrix")) {
                Tensor a = arena.allocate("a", dtype, d, d);
                for (int i = 0; i < d; i++) {
                  a.set(i, i, 4);
                }
                a.set(at[0], at[1], bad);
                String what = "%s %s %d %s".formatted(backend.name(), dtype, d, bad);
                assertFalse(backend.linear().cholesky(a), what);
              }
            }
          }
        }
      }
    }
  }
}
