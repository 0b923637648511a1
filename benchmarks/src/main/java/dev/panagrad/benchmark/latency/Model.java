package dev.panagrad.benchmark.latency;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Random;

/** A linear model with intercept, F32, on one thread, and rows to ask it about. */
final class Model implements AutoCloseable {
  /** A power of two. */
  private static final long ROWS = 1 << 10;

  final Backend backend = Backends.open("simd", BackendOptions.defaults().withThreads(1));
  final TensorArena arena = TensorArena.open("latency");
  final Tensor x;
  final Tensor y;
  final Parameters parameters;

  Model(long features) {
    x = arena.allocate("x", DType.F32, ROWS, features);
    y = arena.allocate("y", DType.F32, ROWS);
    parameters =
        Parameters.layout()
            .add("weights", 1, features)
            .addExempt("intercept", 1)
            .allocate(arena, "model", DType.F32);
    Random random = new Random(1);
    for (Tensor t : new Tensor[] {x, y, parameters.view("weights")}) {
      for (long i = 0; i < t.count(); i++) {
        t.set(i, random.nextGaussian());
      }
    }
  }

  /** The row of that turn. */
  static long row(long turn) {
    return turn & (ROWS - 1);
  }

  @Override
  public void close() {
    arena.close();
    backend.close();
  }
}
