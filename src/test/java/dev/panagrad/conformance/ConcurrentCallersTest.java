package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One backend, many request threads: each gets the bits that it would get alone. */
@Tag("simd")
@Tag("conformance")
@Tag("widest")
class ConcurrentCallersTest {
  private static final int CALLERS = 200;
  private static final int ROWS = 37;
  private static final int COLS = 19;

  private static double[] compute(Backend backend, int seed) {
    try (TensorArena arena = TensorArena.open("caller " + seed)) {
      Tensor x = arena.allocate("x", DType.F32, ROWS, COLS);
      Tensor w = arena.allocate("w", DType.F32, 1, COLS);
      Noise.fill(new Random(seed), x, w);
      Tensor y = arena.allocate("y", DType.F32, ROWS);
      Tensor gradient = arena.allocate("g", DType.F32, 1, COLS);
      for (int i = 0; i < (TestBackends.isTooSlow(backend) ? 5 : 20); i++) {
        backend.linear().predict(x, 0, ROWS, new Linear(w, null), y);
        backend
            .linear()
            .gradient(
                new DenseRows(x, y),
                new Squared(),
                new Linear(w, null),
                new Gradient(gradient, null, null));
      }
      double[] both = new double[ROWS + 1];
      System.arraycopy(y.toArray(), 0, both, 0, ROWS);
      both[ROWS] = backend.linear().norm2(gradient.reshape(COLS));
      return both;
    }
  }

  /** More virtual threads than the backend has scratch objects. */
  @Test
  void everyCallerGetsItsOwnResult() throws InterruptedException, ExecutionException {
    List<Backend> backends = TestBackends.conforming(2);
    for (Backend backend : backends) {
      List<double[]> alone = new ArrayList<>();
      for (int seed = 0; seed < CALLERS; seed++) {
        alone.add(compute(backend, seed));
      }
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<double[]>> together = new ArrayList<>();
        for (int seed = 0; seed < CALLERS; seed++) {
          int own = seed;
          together.add(threads.submit(() -> compute(backend, own)));
        }
        for (int seed = 0; seed < CALLERS; seed++) {
          assertArrayEquals(alone.get(seed), together.get(seed).get(), backend.name());
        }
      }
      assertEquals(0, backend.trace().copies());
    }
    TestBackends.close(backends);
  }
}
