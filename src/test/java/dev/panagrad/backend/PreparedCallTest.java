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
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A call that was prepared does what the method does, from what memory holds when it is run. */
@Tag("simd")
class PreparedCallTest {
  private static final int ROWS = 9;
  private static final int COLS = 16;

  private final List<Backend> backends = TestBackends.mirrored(2);
  private final TensorArena arena = TensorArena.open("prepared");

  private final Tensor x = arena.allocate("X", DType.F32, ROWS, COLS);
  private final Tensor y = arena.allocate("y", DType.F32, ROWS, 1);
  private final Tensor w = arena.allocate("W", DType.F32, 1, COLS).fill(0.25);
  private final Tensor square = arena.allocate("B", DType.F32, COLS, COLS).fill(0.5);
  private final Tensor index = arena.allocate("index", DType.I64, 4);
  private final Linear model = new Linear(w, null);

  @AfterEach
  void close() {
    arena.close();
    TestBackends.close(backends);
  }

  private Tensor result(long rows, long cols) {
    return arena.allocate("result", DType.F32, rows, cols).fill(77);
  }

  private void sameTwice(PreparedCall prepared, Tensor got, Runnable direct, Tensor expected) {
    for (double value : new double[] {1, -3}) {
      x.fill(value);
      y.fill(value / 2);
      prepared.run();
      direct.run();
      assertArrayEquals(expected.toArray(), got.toArray());
    }
  }

  @Test
  void everyKindFollowsItsOperands() {
    Batch batch = new Batch(new DenseRows(x, y), index);
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      Tensor a = result(3, 1);
      Tensor b = result(3, 1);
      sameTwice(
          linear.preparePredict(x, 2, 3, model, a), a, () -> linear.predict(x, 2, 3, model, b), b);
      Tensor c = result(ROWS, COLS);
      Tensor d = result(ROWS, COLS);
      sameTwice(
          linear.prepareGemm(Transpose.NO, Transpose.YES, 2, x, square, 0.5, c),
          c,
          () -> linear.gemm(Transpose.NO, Transpose.YES, 2, x, square, 0.5, d),
          d);
      Tensor e = result(ROWS, 1);
      Tensor f = result(ROWS, 1);
      sameTwice(
          linear.prepareGemv(Transpose.NO, 2, x, w, 0.5, e),
          e,
          () -> linear.gemv(Transpose.NO, 2, x, w, 0.5, f),
          f);
      Tensor g = result(1, COLS);
      Tensor h = result(1, COLS);
      Gradient into = new Gradient(g, null, null);
      Gradient expected = new Gradient(h, null, null);
      Squared loss = new Squared();
      sameTwice(
          linear.prepareGradient(batch, 1, 3, loss, model, into),
          g,
          () -> linear.gradient(batch, 1, 3, loss, model, expected),
          h);
    }
  }

  @Test
  void operandsThatDoNotFitAreRefusedBeforehand() {
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      Tensor narrow = result(2, 3);
      for (Runnable call :
          List.<Runnable>of(
              () -> linear.preparePredict(x, 0, 2, model, narrow),
              () -> linear.prepareGemm(Transpose.NO, Transpose.NO, 1, x, square, 0, narrow),
              () -> linear.prepareGemv(Transpose.NO, 1, x, narrow, 0, y),
              () ->
                  linear.prepareGradient(
                      new Batch(x, y),
                      0,
                      2,
                      new Squared(),
                      model,
                      new Gradient(narrow, null, null)))) {
        assertThrows(IllegalArgumentException.class, call::run, backend.name());
      }
    }
  }

  @Test
  void productsWithoutElementsDoNothing() {
    Tensor none = arena.allocate("none", DType.F32, 0, COLS);
    for (Backend backend : backends) {
      LinearAlgebra linear = backend.linear();
      linear.prepareGemm(Transpose.NO, Transpose.NO, 1, none, square, 0, none.named("C")).run();
      linear.preparePredict(x, 3, 0, model, arena.allocate("out", DType.F32, 0, 1)).run();
    }
  }

  @Test
  void memoryThatWasClosedIsNamed() {
    for (Backend backend : backends) {
      for (int closed = 0; closed < 3; closed++) {
        TensorArena[] arenas = new TensorArena[3];
        Tensor[] operands = new Tensor[3];
        for (int i = 0; i < 3; i++) {
          arenas[i] = TensorArena.open("arena " + i);
          operands[i] = arenas[i].allocate("operand " + i, DType.F32, COLS, COLS);
        }
        Tensor out = operands[2];
        PreparedCall call =
            backend
                .linear()
                .prepareGemm(Transpose.NO, Transpose.NO, 1, operands[0], operands[1], 0, out);
        call.run();
        arenas[closed].close();
        String message =
            assertThrows(IllegalStateException.class, call::run, backend.name()).getMessage();
        assertTrue(message.contains("'operand " + closed + "'"), message);
        for (TensorArena each : arenas) {
          each.close();
        }
      }
    }
  }

  /** The kernel writes one output after the other. */
  @Test
  void nothingIsWrittenWhereAnOutputWasClosed() {
    for (Backend backend : backends) {
      for (int closed = 0; closed < 3; closed++) {
        TensorArena[] arenas = new TensorArena[3];
        Arrays.setAll(arenas, i -> TensorArena.open("outputs " + i));
        Tensor gw = arenas[0].allocate("gw", DType.F32, 1, COLS).fill(77);
        Tensor gb = arenas[1].allocate("gb", DType.F32, 1).fill(77);
        Tensor loss = arenas[2].allocate("loss", DType.F64, 1).fill(77);
        Linear withIntercept = new Linear(w, arena.allocate("b", DType.F32, 1));
        PreparedCall call =
            backend
                .linear()
                .prepareGradient(
                    new Batch(x, y),
                    0,
                    ROWS,
                    new Squared(),
                    withIntercept,
                    new Gradient(gw, gb, loss));
        arenas[closed].close();
        assertThrows(IllegalStateException.class, call::run, backend.name());
        for (int i = 0; i < 3; i++) {
          if (i != closed) {
            assertEquals(77, List.of(gw, gb, loss).get(i).get(0), backend.name());
            arenas[i].close();
          }
        }
      }
    }
  }

  @Test
  void aClosedBackendIsNamed() {
    for (Backend backend : backends) {
      PreparedCall call = backend.linear().prepareGemv(Transpose.NO, 1, x, w, 0, result(ROWS, 1));
      backend.close();
      String message = assertThrows(IllegalStateException.class, call::run).getMessage();
      assertTrue(message.contains("was closed"), message);
    }
  }

  @Test
  void memoryOfAnotherThreadIsNamed() {
    for (Backend backend : TestBackends.conforming(1)) {
      try (backend;
          Arena confined = Arena.ofConfined()) {
        MemorySegment memory = confined.allocate(4L * COLS, 64);
        Tensor row = Tensor.wrap("row", memory, DType.F32, 1, COLS);
        PreparedCall call = backend.linear().preparePredict(row, 0, 1, model, result(1, 1));
        call.run();
        Throwable cause =
            assertThrows(CompletionException.class, CompletableFuture.runAsync(call::run)::join)
                .getCause();
        assertEquals(WrongThreadException.class, cause.getClass());
        assertTrue(cause.getMessage().contains("'row'"), cause.getMessage());
      }
    }
  }
}
