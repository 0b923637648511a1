package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

  private static final String ENDING = ".tmp";

  /** Writers of one process do not meet. */
  private static final AtomicLong NUMBERS = new AtomicLong();

  private static final Pattern ABANDONED = Pattern.compile("([0-9]{1,18})-([0-9]{1,18})\\.tmp");

  private DurableFile() {}

  static void replace(Path file, Content content) throws IOException {
    // A link stays; what it leads to is replaced.
    Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new IOException("'" + file + "' is a directory; name a file");
    }
    if (!Files.isDirectory(folder)) {
      throw new IOException("there is no directory '" + folder + "' for '" + file + "'");
    }
    String start = "." + target.getFileName() + ".";
    removeAbandoned(folder, start);
    // Not a temporary file of the system's, which only its owner may read.
    Path fresh =
        folder.resolve(
            start + ProcessHandle.current().pid() + "-" + NUMBERS.incrementAndGet() + ENDING);
    try {
      try (FileChannel channel =
          FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
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

  /** What processes that were killed have left: their number is in the name. */
  private static void removeAbandoned(Path folder, String start) throws IOException {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(folder, file -> file.getFileName().toString().startsWith(start))) {
      for (Path file : files) {
        Matcher matcher =
            ABANDONED.matcher(file.getFileName().toString().substring(start.length()));
        if (matcher.matches()
            && isAbandoned(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)))) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /** In a container every process may have the same number: then it is one we have not given. */
  private static boolean isAbandoned(long process, long number) {
    return process == ProcessHandle.current().pid()
        ? number > NUMBERS.get()
        : ProcessHandle.of(process).isEmpty();
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
