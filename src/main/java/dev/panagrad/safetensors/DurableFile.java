package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Replaces a file as a whole: a new one is written beside it, brought to the disk, and takes its
 * name; then the folder is brought to the disk. Whenever the machine stops, the name stands for the
 * old content or for the new.
 */
final class DurableFile {
  /** What is written. */
  @FunctionalInterface
  interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  private DurableFile() {}

  static void replace(Path file, Content content) throws IOException {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new IOException("'" + file + "' is a directory; name a file");
    }
    if (!Files.isDirectory(folder)) {
      throw new IOException("there is no directory '" + folder + "' for '" + file + "'");
    }
    Path fresh = Files.createTempFile(folder, "." + target.getFileName() + ".", ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | RuntimeException | Error e) {
      Files.deleteIfExists(fresh);
      throw e;
    }
    force(folder);
  }

  /** Some systems do not open a folder as a file, and keep its entries by themselves. */
  private static void force(Path folder) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
