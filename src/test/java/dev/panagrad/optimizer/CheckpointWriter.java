package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A training that saves after every step until it is killed. */
final class CheckpointWriter {
  private static final long COUNT = 200_000;

  private CheckpointWriter() {}

  /** Goes on from the file, if there is one; prints each step that has been saved. */
  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[0]);
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("writer")) {
      Optimizer optimizer = optimizer(backend, arena);
      Tensor gradient = optimizer.parameters().like(arena, "g").flat().fill(0.5);
      if (Files.exists(file)) {
        Checkpoint.restore(optimizer, file);
      }
      while (true) {
        optimizer.step(gradient);
        Checkpoint.save(optimizer, file);
        System.out.println(optimizer.steps());
      }
    }
  }

  static Optimizer optimizer(Backend backend, TensorArena arena) {
    Parameters parameters = Parameters.layout().add("p", COUNT).allocate(arena, "p", DType.F32);
    return Optimizer.of(Adam.of(0.01)).build(parameters, backend, arena);
  }
}
