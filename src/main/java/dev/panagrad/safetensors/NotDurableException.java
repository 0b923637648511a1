package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.file.Path;

/** A file has been replaced, but its folder not fsynced: a crash may bring its old content back. */
public final class NotDurableException extends IOException {
  private static final long serialVersionUID = 1;

  NotDurableException(Path file, IOException cause) {
    super(
        "'%s' has been replaced, but its folder could not be brought to the disk: after a crash of the machine the content before may be back; write it again to be certain. %s"
            .formatted(Excerpt.of(file), IoReason.of(cause)),
        cause);
  }
}
