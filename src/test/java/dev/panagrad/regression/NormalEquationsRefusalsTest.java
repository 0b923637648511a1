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
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What normal equations refuse, before anything is allocated or written. */
class NormalEquationsRefusalsTest {
  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.host(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
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

  @Test
  void weightsAndOffsets() {
    try (TensorArena data = TensorArena.open("data")) {
      Tensor x = data.allocate("x", DType.F64, 5, 2).fill(1);
      Tensor y = data.allocate("y", DType.F64, 5);
      Tensor perRow = data.allocate("w", DType.F64, 5);
      Class<IllegalArgumentException> argument = IllegalArgumentException.class;
      Batch weighted = new Batch(new DenseRows(x, y, perRow, null));
      refuses(
          argument,
          "all weights of tensor 'w' are 0",
          arena -> NormalEquations.of(backends.getFirst(), arena, weighted, 0, 5, true));
      for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
        perRow.set(3, bad);
        refuses(
            argument,
            "found %s in row 4 of tensor 'w'".formatted(bad),
            arena -> NormalEquations.of(backends.getFirst(), arena, weighted, 0, 5, true));
      }
      Batch offset = new Batch(new DenseRows(x, y, null, perRow));
      refuses(
          argument,
          "without offsets, found 'w'",
          arena -> NormalEquations.of(backends.getFirst(), arena, offset, 0, 5, true));
    }
  }

  /** Without rows there is nothing that so many features would need memory for. */
  @Test
  void tooManyFeatures() {
    assertEquals(8L * (64 * 64 + 3 * 2 * 64 + 1024 * 67), NormalEquations.requiredBytes(64, 2));
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
      EquationProblem p = new EquationProblem(arena, DType.F64, 5, 3, 2, true).randomize(1);
      EquationProblem q = new EquationProblem(arena, DType.F32, 5, 3, 2, true);
      EquationProblem plain = new EquationProblem(arena, DType.F64, 5, 3, 2, false);
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

  @Test
  void useAfterClose() {
    for (String name : TestBackends.hostNames()) {
      Backend backend = Backends.open(name, new BackendOptions(1));
      try (TensorArena arena = TensorArena.open("parameters")) {
        EquationProblem p = new EquationProblem(arena, DType.F64, 5, 3, 2, true).randomize(1);
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
