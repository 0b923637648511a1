package dev.panagrad.fuzz;

import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whatever is written is read as it was: names and texts of any characters, shapes, views. */
public final class SavedFuzz {
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64, DType.I64);
  private static final int MAX_TENSORS = 20;
  private static final int ALLOCATED_PER_BYTE = 2000;

  private SavedFuzz() {}

  /** The bytes choose tensors and texts. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Reading.check(
        "x.safetensors", bytes, ALLOCATED_PER_BYTE, file -> requireSame(file, new Choices(bytes)));
  }

  private static void requireSame(Path file, Choices choices) throws IOException {
    try (TensorArena arena = TensorArena.open("fuzz")) {
      List<Tensor> tensors = new ArrayList<>();
      for (int i = choices.below(MAX_TENSORS); i > 0; i--) {
        tensors.add(tensor(arena, choices));
      }
      Map<String, String> texts = new LinkedHashMap<>();
      for (int i = choices.below(MAX_TENSORS); i > 0; i--) {
        texts.put(choices.text(), choices.text());
      }
      try {
        SafetensorsWriter.write(file, texts, tensors);
      } catch (IllegalArgumentException e) {
        // Twice the same name.
        if (!e.getMessage().contains("names of their own")) {
          throw e;
        }
        return;
      }
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        in.requireIntactHeader();
        texts.keySet().removeIf(key -> key.startsWith("crc32c."));
        boolean isSame = in.metadata().entrySet().containsAll(texts.entrySet());
        for (Tensor written : tensors) {
          Tensor read = in.read(arena, written.name());
          isSame &= read.shape().equals(written.shape());
          isSame &= read.dtype() == written.dtype();
          isSame &= Arrays.equals(read.toArray(), written.toArray());
          isSame &= Arrays.equals(in.map(arena, written.name()).toArray(), written.toArray());
        }
        if (!isSame) {
          throw new AssertionError("another content is read than was written");
        }
      }
    }
  }

  private static Tensor tensor(TensorArena arena, Choices choices) {
    String name = choices.text();
    DType dtype = TYPES.get(choices.below(TYPES.size()));
    long[] extents = new long[1 + choices.below(5)];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = choices.below(6);
    }
    Tensor tensor = arena.allocate(name, dtype, extents);
    for (long i = 0; i < tensor.count(); i++) {
      tensor.set(i, choices.below(256));
    }
    return extents.length == 2 && extents[1] > 1
        ? tensor.columns(1, extents[1] - 1).named(name)
        : tensor;
  }
}
