package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Replaces a file as a whole: a new one is written beside it, fsynced, and takes its name; then the
 * folder is fsynced. Whenever the machine stops, the name stands for the old content or the new.
 */
public final class DurableFile {
  @FunctionalInterface
  public interface Content {
    /** Writes all of it from the channel's beginning. */
    void writeTo(FileChannel channel) throws IOException;
  }

  private DurableFile() {}

  /**
   * Writes a file anew; if that fails, the file before, if there is one, is unharmed.
   *
   * @throws NotDurableException if the file is there, but its name may not survive a loss of power
   */
  public static void replace(Path file, Content content) throws IOException {
    // A link stays; what it leads to is replaced.
    Path target = Files.isSymbolicLink(file) ? destination(file) : file.toAbsolutePath();
    BasicFileAttributes replaced = attributes(target);
    Path folder = target.getParent();
    if (folder == null || (replaced != null && replaced.isDirectory())) {
      throw new IOException("'" + Excerpt.of(file) + "' is a directory; name a file");
    }
    if (replaced != null && !replaced.isRegularFile()) {
      throw new IOException(
          "'" + Excerpt.of(file) + "' is not a regular file, and would be replaced by one");
    }
    BasicFileAttributes around = attributes(folder);
    if (around == null || !around.isDirectory()) {
      throw new IOException(
          "there is no directory '%s' for '%s'".formatted(Excerpt.of(folder), Excerpt.of(file)));
    }
    UnfinishedFiles unfinished = UnfinishedFiles.of(target);
    unfinished.removeAbandoned();
    Path fresh = unfinished.fresh();
    try {
      // Not a temporary file of the system's, which only its owner may read.
      try (FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        // Says that somebody is writing; the system ends it with the process.
        FileLock _ = channel.lock();
        // A file that others may not read stays so.
        if (replaced != null && Files.getFileStore(target).supportsFileAttributeView("posix")) {
          Files.setPosixFilePermissions(fresh, Files.getPosixFilePermissions(target));
        }
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | RuntimeException | Error e) {
      delete(fresh, e);
      throw e;
    }
    try {
      force(folder);
    } catch (IOException e) {
      throw new NotDurableException(file, e);
    }
  }

  private static Path destination(Path link) throws IOException {
    try {
      return link.toRealPath();
    } catch (NoSuchFileException e) {
      throw new IOException("'" + Excerpt.of(link) + "' is a link to a file that is not there", e);
    }
  }

  /** What is known of a file; null, other than for {@code Files.exists}, only if there is none. */
  private static BasicFileAttributes attributes(Path file) throws IOException {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static void delete(Path fresh, Throwable reason) {
    try {
      Files.deleteIfExists(fresh);
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
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
