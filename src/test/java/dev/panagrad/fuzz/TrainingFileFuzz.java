package dev.panagrad.fuzz;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.TrainingFile;

/** Training files, with sums that are right or not. */
public final class TrainingFileFuzz {
  private static final int ALLOCATED_PER_BYTE = 2000;

  private TrainingFileFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Reading.check(
        "x.safetensors",
        bytes,
        ALLOCATED_PER_BYTE,
        path -> {
          try (TrainingFile file = TrainingFile.open(path)) {
            Tensor rows = file.rows();
            for (long row = 0; row < rows.rows(); row++) {
              rows.get(row, rows.cols() - 1);
            }
          }
        });
  }
}
