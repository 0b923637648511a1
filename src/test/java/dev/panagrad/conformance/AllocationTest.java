package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.PreparedCall;
import dev.panagrad.backend.Transpose;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Once warm, gradients allocate nothing on the heap: a vector that the compiler could not keep in a
 * register shows up here as an object per call, and as a tenfold slowdown in production.
 */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("alone")
@Order(1)
class AllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Time of the processor, long enough for the optimizing compiler on a busy machine. */
  private static final long WARM_UP_NANOS = 20_000_000_000L;

  private static final int CALLS = Boolean.getBoolean("panagrad.test.slow") ? 500 : 200;

  /**
   * Rounds of calls in a row without a byte. One is not enough: a method that is compiled once more
   * is left once for the interpreter, with the objects that its registers stood for.
   */
  private static final int QUIET_ROUNDS = 3;

  /** Warm when that many rounds have allocated nothing; failed when that never comes. */
  static void allocatesNothing(String what, Runnable call) {
    long deadline = THREADS.getCurrentThreadCpuTime() + WARM_UP_NANOS;
    int quiet = 0;
    long bytes;
    do {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
      quiet = bytes == 0 ? quiet + 1 : 0;
    } while (quiet < QUIET_ROUNDS && THREADS.getCurrentThreadCpuTime() < deadline);
    long last = bytes;
    assertEquals(
        QUIET_ROUNDS,
        quiet,
        () ->
            "%s: heap bytes of the last %d calls: %d%s"
                .formatted(what, CALLS, last, AllocationSites.of(call)));
  }

  @Test
  void gradients() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2))) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (long[] shape :
            new long[][] {
              {442, 10, 1},
              {20_000, 10, 1},
              {256, 64, 1},
              {1000, 300, 2},
              {600, 70, 5},
              {600, 40, 70}
            }) {
          try (TensorArena arena = TensorArena.open("allocation")) {
            Tensor x = arena.allocate("X", dtype, shape[0], shape[1]).fill(0.5);
            Tensor y = arena.allocate("y", dtype, shape[0], shape[2]).fill(1);
            LinearRegression regression =
                new LinearRegression(backend, arena, dtype, shape[1], shape[2], true);
            Batch all = new Batch(x, y);
            String what = "%s %d x %d".formatted(dtype, shape[0], shape[1]);
            allocatesNothing(
                "gradient " + what, () -> regression.computeGradient(all, 0, shape[0]));
            Tensor index = arena.allocate("index", DType.I64, 64);
            Batch some = new Batch(new DenseRows(x, y), index);
            allocatesNothing(
                "gradient by index " + what, () -> regression.computeGradient(some, 3, 40));
            Tensor out = arena.allocate("out", dtype, 1, shape[2]);
            allocatesNothing("prediction " + what, () -> regression.predict(x, 5, 1, out));
          }
        }
      }
    }
  }

  /** Small products, which no thread shares, and calls whose operands are checked once. */
  @Test
  void smallProductsAndPreparedCalls() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("allocation")) {
      LinearAlgebra linear = backend.linear();
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (long n : new long[] {8, 16, 33}) {
          Tensor a = arena.allocate("A", dtype, n, n).fill(0.5);
          Tensor b = arena.allocate("B", dtype, n, n).fill(0.5);
          Tensor c = arena.allocate("C", dtype, n, n);
          String what = " %s %d".formatted(dtype, n);
          allocatesNothing(
              "gemm" + what, () -> linear.gemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c));
          PreparedCall product = linear.prepareGemm(Transpose.YES, Transpose.NO, 1, a, b, 0, c);
          allocatesNothing("prepared gemm" + what, product::run);
          Tensor out = arena.allocate("out", dtype, 1, n);
          PreparedCall predict = linear.preparePredict(a, 0, 1, new Linear(b, null), out);
          allocatesNothing("prepared prediction" + what, predict::run);
        }
      }
    }
  }

  /** On every backend: what a gradient by the normal equations calls is one kernel. */
  @Test
  void gradientsByNormalEquations() {
    for (String name : TestBackends.hostNames()) {
      try (Backend backend = Backends.open(name, new BackendOptions(2))) {
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          for (long[] shape : new long[][] {{442, 10, 1}, {100, 64, 1}, {100, 300, 3}}) {
            try (TensorArena arena = TensorArena.open("allocation")) {
              Tensor x = arena.allocate("X", dtype, shape[0], shape[1]).fill(0.5);
              Tensor y = arena.allocate("y", dtype, shape[0], shape[2]).fill(1);
              LinearRegression regression =
                  new LinearRegression(backend, arena, dtype, shape[1], shape[2], true);
              NormalEquations equations = NormalEquations.of(backend, arena, x, y, true);
              Gradient into = regression.withLossIn(regression.loss());
              allocatesNothing(
                  "%s %s d = %d, k = %d".formatted(name, dtype, shape[1], shape[2]),
                  () -> equations.gradient(regression.model(), into));
            }
          }
        }
      }
    }
  }
}
