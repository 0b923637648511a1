package dev.panagrad.fuzz;

import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Model files with sums that are right, whatever they say of themselves. */
public final class ModelFuzz {
  private static final int ALLOCATED_PER_BYTE = 2000;

  private ModelFuzz() {}

  /** The bytes are the file, or choose its texts and tensors. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Reading.check(
        "x.safetensors",
        bytes,
        ALLOCATED_PER_BYTE,
        file -> {
          Choices choices = new Choices(bytes);
          boolean isMade = choices.below(2) == 1;
          if (isMade) {
            make(file, choices);
          } else {
            Files.write(file, choices.rest());
          }
          requireSameAgain(file, ModelFile.load(file));
        });
  }

  private static void make(Path file, Choices choices) throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("format", choices.below(8) == 0 ? choices.text() : "panagrad.linear.1");
    texts.put("targets", choices.text());
    texts.put("features", choices.text());
    try (TensorArena arena = TensorArena.open("fuzz")) {
      List<Tensor> tensors =
          List.of(
              arena.allocate(
                  choices.below(8) == 0 ? "w" : "weight", dtype(choices), extents(choices)),
              arena.allocate(
                  choices.below(8) == 0 ? "b" : "bias", dtype(choices), extents(choices)));
      // Last, so that inputs that were found before choose the same.
      if (choices.below(2) == 1) {
        texts.put("loss", choices.text());
      }
      SafetensorsWriter.write(file, texts, tensors);
    }
  }

  private static DType dtype(Choices choices) {
    return choices.below(8) == 0 ? DType.F32 : DType.F64;
  }

  private static long[] extents(Choices choices) {
    long[] extents = new long[1 + choices.below(3)];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = choices.below(5);
    }
    return extents;
  }

  /** What is loaded can be saved and is loaded again. */
  private static void requireSameAgain(Path file, LinearModel model) throws IOException {
    ModelFile.save(model, file);
    LinearModel again = ModelFile.load(file);
    if (!again.features().equals(model.features())
        || !again.targets().equals(model.targets())
        || !again.loss().equals(model.loss())
        || !Arrays.deepEquals(again.coefficients(), model.coefficients())
        || !Arrays.equals(again.intercepts(), model.intercepts())) {
      throw new AssertionError("another model is loaded than was saved");
    }
  }
}
