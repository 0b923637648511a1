package dev.panagrad.optimizer;

import dev.panagrad.safetensors.Excerpt;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A checkpoint changed between the comparison of its sums and its reading: parameters and state are
 * partly its own, partly what they were, and the optimizer is of no use until a checkpoint is
 * restored.
 */
public final class PartlyRestoredException extends IOException {
  private static final long serialVersionUID = 1;

  PartlyRestoredException(Path file, Exception cause) {
    super(
        "checkpoint '%s' changed, or could not be read any more, while it was restored: parameters and state are now partly those before; restore a checkpoint before the next step. %s"
            .formatted(Excerpt.of(file), cause.getMessage()),
        cause);
  }
}
