package dev.panagrad.fuzz;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Checkpoints that are restored, or refused with an optimizer that is as it was. */
public final class CheckpointFuzz {
  private static final int ALLOCATED_PER_BYTE = 2000;
  private static final int BEFORE = 7;
  private static final int SAVED = 2;

  private CheckpointFuzz() {}

  /** The bytes are the file, or change one that was saved, with sums that are right again. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Reading.check(
        "x.safetensors",
        bytes,
        ALLOCATED_PER_BYTE,
        file -> {
          Choices choices = new Choices(bytes);
          boolean isMade = choices.below(2) == 1;
          try (Backend backend = Backends.open("scalar", new BackendOptions(1));
              TensorArena arena = TensorArena.open("fuzz")) {
            if (isMade) {
              make(backend, arena, file, choices);
            } else {
              Files.write(file, choices.rest());
            }
            restore(backend, arena, file);
          }
        });
  }

  static Optimizer optimizer(Backend backend, TensorArena arena, double value) {
    Parameters parameters =
        Parameters.layout().add("a", 3, 2).addExempt("b", 2).allocate(arena, "p", DType.F32);
    Optimizer optimizer = Optimizer.of(Adam.of(0.01)).build(parameters, backend, arena);
    parameters.flat().fill(value);
    optimizer.resumeAt((long) value);
    return optimizer;
  }

  private static void restore(Backend backend, TensorArena arena, Path file) throws IOException {
    Optimizer optimizer = optimizer(backend, arena, BEFORE);
    double[] before = optimizer.parameters().flat().toArray();
    try {
      Checkpoint.restore(optimizer, file);
    } catch (IOException e) {
      if (optimizer.steps() != BEFORE
          || !Arrays.equals(before, optimizer.parameters().flat().toArray())) {
        throw new AssertionError("it was refused, and something has changed", e);
      }
      throw e;
    }
    double[] restored = optimizer.parameters().flat().toArray();
    Checkpoint.save(optimizer, file);
    Optimizer again = optimizer(backend, arena, BEFORE);
    Checkpoint.restore(again, file);
    if (again.steps() != optimizer.steps()
        || !Arrays.equals(restored, again.parameters().flat().toArray())) {
      throw new AssertionError("another checkpoint is restored than was saved");
    }
  }

  private static void make(Backend backend, TensorArena arena, Path file, Choices choices)
      throws IOException {
    Checkpoint.save(optimizer(backend, arena, SAVED), file);
    Map<String, String> texts;
    List<Tensor> tensors = new ArrayList<>();
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      texts = new LinkedHashMap<>(in.metadata());
      for (String name : in.names()) {
        Tensor tensor = in.read(arena, name);
        switch (choices.below(16)) {
          case 1 -> {}
          case 2 -> tensors.add(arena.allocate(name, DType.F64, tensor.shape()));
          case 3 -> tensors.add(arena.allocate(name, DType.F32, choices.below(9)));
          case 4 -> tensors.add(tensor.named("x" + choices.text()));
          default -> tensors.add(tensor.fill(choices.below(256)));
        }
      }
    }
    List<String> keys = texts.keySet().stream().sorted().toList();
    for (int i = choices.below(4); i > 0; i--) {
      String key = keys.get(choices.below(keys.size()));
      if (choices.below(8) == 0) {
        texts.remove(key);
      } else {
        texts.put(key, choices.text());
      }
    }
    try {
      SafetensorsWriter.write(file, texts, tensors);
    } catch (IllegalArgumentException e) {
      if (!e.getMessage().contains("names of their own")) {
        throw e;
      }
    }
  }
}
