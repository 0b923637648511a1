package dev.panagrad.data.file;

import dev.panagrad.data.Table;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * The bytes of a regular file, of which parts can be read apart.
 *
 * @param kind what messages want it to be, with its article
 */
public record FileSource(Path file, String kind) implements Table.Source {
  @Override
  public InputStream open() throws IOException {
    return Channels.newInputStream(channel());
  }

  public FileChannel channel() {
    return RegularFile.open(file, kind);
  }
}
