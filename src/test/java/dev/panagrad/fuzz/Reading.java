package dev.panagrad.fuzz;

import com.sun.management.ThreadMXBean;
import dev.panagrad.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that is read, and what every reader must keep to, whatever is in it. */
final class Reading {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final int TRIES = 3;

  /** For buffers. */
  private static final long FREE_BYTES = 8L << 20;

  private static final int MAX_MESSAGE = 8000;

  private static Path folder;

  private Reading() {}

  /** What is done with the file. */
  @FunctionalInterface
  interface Reader {
    void read(Path file) throws IOException;
  }

  /**
   * Reads bytes as a file of a name. It may be refused, by an exception of its kind whose message
   * has the file and, of model files, nothing that a terminal obeys. (Those of tables quote their
   * cells as they are.)
   *
   * @param reader may be called several times
   * @param allocatedPerByte that may be allocated on the heap for each byte of the file
   */
  static void check(String name, byte[] bytes, int allocatedPerByte, Reader reader) {
    long most = FREE_BYTES + (long) allocatedPerByte * bytes.length;
    long used = Long.MAX_VALUE;
    // Again, if classes were loaded meanwhile.
    for (int i = 0; i < TRIES && used > most; i++) {
      Path file = write(name, bytes);
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try {
        reader.read(file);
      } catch (IOException | DataException e) {
        requireMessage(file, e);
      }
      used = THREADS.getCurrentThreadAllocatedBytes() - before;
    }
    if (used > most) {
      throw new AssertionError("%,d bytes for a file of %,d".formatted(used, bytes.length));
    }
  }

  private static synchronized Path write(String name, byte[] bytes) {
    try {
      if (folder == null) {
        folder = Files.createTempDirectory("fuzz");
        Path used = folder;
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(used)));
      }
      return Files.write(folder.resolve(name), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      System.err.println(folder + " is left: " + e);
    }
  }

  private static void requireMessage(Path file, Exception e) {
    String message = e.getMessage();
    if (message == null
        || message.length() > MAX_MESSAGE
        || !message.contains(file.getFileName().toString())
        || message.chars().anyMatch(Character::isISOControl)) {
      throw new AssertionError("the message of " + e.getClass() + " is: " + message, e);
    }
  }
}
