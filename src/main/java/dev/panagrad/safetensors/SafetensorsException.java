package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.file.Path;

/** A file is not what the format says; the message has the byte where that shows. */
public final class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1;
  private final long offset; // bytes from the start of the file

  SafetensorsException(Path file, long offset, String problem) {
    super("%s, byte %,d: %s".formatted(Excerpt.of(file), offset, problem));
    this.offset = offset;
  }

  public long offset() {
    return offset;
  }
}
