package dev.panagrad.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.conformance.TestBackends;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Operands that do not fit are refused by name before an output changes, on every backend. */
@Tag("simd")
class LinearAlgebraTest {
  private static final int ROWS = 6;
  private static final int COLS = 3;
  private static final int OUTPUTS = 2;
  private static final double UNTOUCHED = 77;

  private final List<Backend> backends = TestBackends.mirrored(2);
  private final TensorArena arena = TensorArena.open("linear kernels test");

  private final Tensor x = arena.allocate("X", DType.F32, ROWS, COLS).fill(1);
  private final Tensor y = arena.allocate("y", DType.F32, ROWS, OUTPUTS).fill(1);
  private final Tensor w = arena.allocate("W", DType.F32, OUTPUTS, COLS).fill(1);
  private final Tensor b = arena.allocate("b", DType.F32, OUTPUTS).fill(1);
  private final Tensor gw = arena.allocate("gW", DType.F32, OUTPUTS, COLS).fill(UNTOUCHED);
  private final Tensor gb = arena.allocate("gb", DType.F32, OUTPUTS).fill(UNTOUCHED);
  private final Tensor loss = arena.allocate("loss", DType.F64, OUTPUTS).fill(UNTOUCHED);
  private final Tensor index = arena.allocate("index", DType.I64, 4);

  @AfterEach
  void close() {
    arena.close();
    TestBackends.close(backends);
  }

  private void refused(Class<? extends Throwable> type, String part, Call call) {
    for (Backend backend : backends) {
      String message =
          assertThrows(type, () -> call.on(backend.linear()), backend.name()).getMessage();
      assertTrue(message.contains(part), "'" + part + "' in: " + message);
      for (Tensor out : List.of(gw, gb, loss)) {
        for (double value : out.toArray()) {
          assertEquals(UNTOUCHED, value, out.name());
        }
      }
    }
  }

  private void refused(String part, Call call) {
    refused(IllegalArgumentException.class, part, call);
  }

  /** A kernel call under test. */
  @FunctionalInterface
  private interface Call {
    void on(LinearAlgebra linear);
  }

  private Tensor of(DType dtype, long... extents) {
    return arena.allocate("odd", dtype, extents);
  }

  /** Nothing is counted one by one where there are no elements. */
  @Test
  void extentsWithoutElements() {
    Tensor empty = of(DType.F32, 0, 0);
    Tensor high = of(DType.F32, 1L << 60, 0);
    Tensor wide = of(DType.F32, 0, 1L << 60);
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      linear.gemm(Transpose.NO, Transpose.NO, 1, high, empty, 0.5, of(DType.F32, 1L << 60, 0));
      linear.gemm(Transpose.YES, Transpose.NO, 1, empty, wide, 0, of(DType.F32, 0, 1L << 60));
      linear.predict(of(DType.F32, 3, 0), 1, 0, new Linear(high, null), wide);
    }
  }

  @Test
  void gradientChecksEveryOperand() {
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, of(DType.F32, 5, 2)),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, of(DType.F64, ROWS, 2)),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(of(DType.F32, 2, 4), b),
                new Gradient(gw, gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(of(DType.F32, 6), b),
                new Gradient(gw, gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, of(DType.F32, 3)),
                new Gradient(gw, gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(of(DType.F32, 2, 2), gb, loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, of(DType.F64, 2), loss)));
    refused(
        "'odd'",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, of(DType.F32, 2))));
    refused(
        "gb",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, null, loss)));
    refused(
        "b is null",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, null),
                new Gradient(gw, gb, loss)));
    refused(
        "I64",
        l ->
            l.gradient(
                new DenseRows(index, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
  }

  @Test
  void gradientRefusesSharedMemory() {
    refused(
        "share memory",
        l ->
            l.gradient(
                new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(w, gb, loss)));
    refused(
        "share memory",
        l ->
            l.gradient(
                new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, b, loss)));
    refused(
        "share memory",
        l ->
            l.gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gw.slice(0, 2), loss)));
    refused(
        "share memory",
        l ->
            l.gradient(
                new DenseRows(gw.reshape(6, 1), y),
                new Squared(),
                new Linear(of(DType.F32, 2, 1), b),
                new Gradient(gw.reshape(6, 1).rows(0, 2), gb, loss)));
  }

  @Test
  void gradientChecksTheBatch() {
    index.setLong(2, ROWS);
    refused(
        IndexOutOfBoundsException.class,
        "row 6",
        l ->
            l.gradient(
                new Batch(new DenseRows(x, y), index),
                0,
                4,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    index.setLong(2, -1);
    refused(
        IndexOutOfBoundsException.class,
        "entry 2",
        l ->
            l.gradient(
                new Batch(new DenseRows(x, y), index),
                1,
                2,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        IndexOutOfBoundsException.class,
        "'index'",
        l ->
            l.gradient(
                new Batch(new DenseRows(x, y), index),
                3,
                2,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        IndexOutOfBoundsException.class,
        "'X'",
        l ->
            l.gradient(
                new Batch(x, y),
                5,
                2,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        IndexOutOfBoundsException.class,
        "'X'",
        l ->
            l.gradient(
                new Batch(x, y),
                Long.MAX_VALUE,
                2,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
    refused(
        "no mean",
        l ->
            l.gradient(
                new Batch(x, y),
                0,
                0,
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
  }

  @Test
  void gradientChecksLife() {
    TensorArena other = TensorArena.open("gone");
    Tensor late = other.allocate("late", DType.F32, ROWS, COLS);
    other.close();
    refused(
        IllegalStateException.class,
        "late",
        l ->
            l.gradient(
                new DenseRows(late, y),
                new Squared(),
                new Linear(w, b),
                new Gradient(gw, gb, loss)));
  }

  /** Memory of one thread only: computed by that thread, whatever the pool has. */
  @Test
  void confinedMemoryIsComputedByItsOwner() {
    int rows = 50_000;
    for (Backend backend : backends) {
      try (Arena confined = Arena.ofConfined()) {
        Tensor large =
            Tensor.wrap("mine", confined.allocate(rows * 16L * 4, 64), DType.F32, rows, 16).fill(1);
        Tensor ones = arena.allocate("ones", DType.F32, 1, 16).fill(1);
        Tensor out = arena.allocate("out", DType.F32, rows, 1);
        backend.linear().predict(large, 0, rows, new Linear(ones, null), out);
        assertEquals(16, out.get(rows - 1));
        Tensor g = arena.allocate("g", DType.F32, 1, 16);
        Tensor targets = arena.allocate("targets", DType.F32, rows);
        backend
            .linear()
            .gradient(
                new DenseRows(large, targets),
                new Squared(),
                new Linear(ones, null),
                new Gradient(g, null, null));
        assertEquals(32, g.get(15), 1e-4);
        Tensor r = arena.allocate("r", DType.F64, 4 * 50L, 50);
        MemorySegment memory = confined.allocate(r.count() * 8, 64);
        backend.linear().triangularize(r, Tensor.wrap("mine", memory, DType.F64, 4 * 50, 50));
      }
    }
  }

  @Test
  void productsCheckShapes() {
    Tensor square = of(DType.F32, COLS, COLS);
    refused("op(", l -> l.gemm(Transpose.NO, Transpose.NO, 1, x, x, 0, square));
    refused("[3, 3]", l -> l.gemm(Transpose.YES, Transpose.NO, 1, x, x, 0, gw));
    refused("share", l -> l.gemm(Transpose.NO, Transpose.NO, 1, square, square, 0, square));
    refused("'b'", l -> l.gemv(Transpose.NO, 1, x, b, 0, of(DType.F32, ROWS)));
    refused("'gb'", l -> l.gemv(Transpose.NO, 1, x, of(DType.F32, COLS), 0, gb));
    refused("'b'", l -> l.dot(of(DType.F32, 3), b));
    refused("'loss'", l -> l.dot(b, loss));
    refused("share", l -> l.axpy(1, gw, gw));
    refused("share", l -> l.lerp(0.5, gw, gw));
    refused("row stride", l -> l.norm2(x.columns(0, 2)));
    refused("I64", l -> l.norm1(index));
  }

  @Test
  void predictChecksShapes() {
    refused("'gb'", l -> l.predict(x, 0, ROWS, new Linear(w, b), gb));
    refused("'odd'", l -> l.predict(x, 0, ROWS, new Linear(of(DType.F32, 2, 4), b), y));
    refused(IndexOutOfBoundsException.class, "'X'", l -> l.predict(x, 4, 3, new Linear(w, b), y));
    refused("share", l -> l.predict(x, 0, ROWS, new Linear(w, b), x.columns(0, 2)));
  }

  @Test
  void aLossIsNeeded() {
    refused(
        NullPointerException.class,
        "loss",
        l -> l.gradient(new DenseRows(x, y), null, new Linear(w, b), new Gradient(gw, gb, loss)));
  }

  @Test
  void outputsAreNeeded() {
    Tensor none = of(DType.F32, 0, COLS);
    refused(
        "at least one output",
        l ->
            l.gradient(
                new DenseRows(x, of(DType.F32, ROWS, 0)),
                new Squared(),
                new Linear(none, null),
                new Gradient(of(DType.F32, 0, COLS), null, null)));
  }

  /** What overflows in F32 need not in double precision. */
  @Test
  void normsDoNotOverflow() {
    Tensor large = of(DType.F32, 37).fill(3e38);
    for (Backend backend : backends) {
      assertEquals(37 * 3e38, backend.linear().norm1(large), 1e33, backend.name());
      assertEquals(Math.sqrt(37) * 3e38, backend.linear().norm2(large), 1e33, backend.name());
    }
  }

  @Test
  void emptyPredictionIsAllowed() {
    for (Backend backend : backends) {
      backend.linear().predict(x, 0, 0, new Linear(w, b), of(DType.F32, 0, OUTPUTS));
    }
    assertArrayEquals(new double[] {1, 1}, b.toArray());
  }

  /** So many rows that bytes per row decide into how many chunks they are cut. */
  @Test
  void aMatrixWithoutColumnsHasNoProducts() {
    Tensor none = arena.allocate("none", DType.F32, 600_000, 0);
    Tensor weights = arena.allocate("weights", DType.F32, 600_000);
    Tensor empty = arena.allocate("empty", DType.F32, 0);
    for (Backend backend : backends) {
      backend.linear().gemv(Transpose.YES, 1, none, weights, 0, empty);
      backend.linear().gemv(Transpose.NO, 1, none, empty, 0, weights.fill(1));
      assertEquals(0, weights.get(599_999), backend.name());
    }
  }
}
