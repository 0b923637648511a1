package dev.panagrad.safetensors;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;

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

  private static final Logger LOG = System.getLogger(DurableFile.class.getName());
  private static final String ENDING = ".tmp";

  /** Names that no other writer chooses, whatever its process, container or machine. */
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Younger files may be of a writer that has not taken its lock yet. */
  private static final Duration LEAST_AGE = Duration.ofMinutes(1);

  private DurableFile() {}

  static void replace(Path file, Content content) throws IOException {
    // A link stays; what it leads to is replaced.
    Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new IOException("'" + file + "' is a directory; name a file");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new IOException("'" + file + "' is not a regular file, and would be replaced by one");
    }
    if (!Files.isDirectory(folder)) {
      throw new IOException("there is no directory '" + folder + "' for '" + file + "'");
    }
    String start = "." + target.getFileName() + ".";
    removeAbandoned(folder, start);
    // Not a temporary file of the system's, which only its owner may read.
    Path fresh = folder.resolve(start + "%016x".formatted(RANDOM.nextLong()) + ENDING);
    try {
      try (FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        // Says that somebody is writing; the system ends it with the process.
        FileLock _ = channel.lock();
        keepPermissions(target, fresh);
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

  /** A file that others may not read stays so. */
  private static void keepPermissions(Path target, Path fresh) throws IOException {
    if (Files.exists(target) && Files.getFileStore(target).supportsFileAttributeView("posix")) {
      Files.setPosixFilePermissions(fresh, Files.getPosixFilePermissions(target));
    }
  }

  /**
   * What killed writers have left; whatever stands in the way of that is no reason not to write.
   */
  private static void removeAbandoned(Path folder, String start) {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(folder, file -> isOurs(file.getFileName().toString(), start))) {
      for (Path file : files) {
        removeIfAbandoned(file);
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.log(Level.DEBUG, "files left in " + folder, e);
    }
  }

  private static boolean isOurs(String name, String start) {
    return name.startsWith(start) && name.substring(start.length()).matches("[0-9a-f]{16}\\.tmp");
  }

  private static void removeIfAbandoned(Path file) {
    try {
      Instant written = Files.getLastModifiedTime(file).toInstant();
      if (!Files.isRegularFile(file) || written.isAfter(Instant.now().minus(LEAST_AGE))) {
        return;
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
          FileLock lock = channel.tryLock()) {
        if (lock != null) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException | OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, file + " is left", e);
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
