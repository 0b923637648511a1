package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file has been replaced as a whole, but its folder could not be fsynced: after a crash of the
 * machine, its content may be that from before.
 */
public final class NotDurableException extends IOException {
  private static final long serialVersionUID = 1;

  NotDurableException(Path file, IOException cause) {
    super(
        "'%s' has been replaced, but its folder could not be brought to the disk: after a crash of the machine the content before may be back; write it again to be certain. %s"
            .formatted(Excerpt.of(file), IoReason.of(cause)),
        cause);
  }
}
