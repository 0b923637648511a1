package dev.panagrad.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checkpoints of one training, by the number of batches done. Locked while it is open. */
final class CheckpointFolder implements AutoCloseable {
  private static final Logger LOG = System.getLogger(CheckpointFolder.class.getName());
  private static final Pattern NAME = Pattern.compile("checkpoint-([0-9]{19})\\.safetensors");
  private static final Pattern TEMPORARY = Pattern.compile("\\.checkpoint-.*\\.tmp");
  private static final String LOCK = ".lock";

  private final Path folder;
  private final FileChannel lockFile;

  private CheckpointFolder(Path folder, FileChannel lockFile) {
    this.folder = folder;
    this.lockFile = lockFile;
  }

  /**
   * Makes the folder if it does not exist, and takes its lock.
   *
   * @throws IOException if it cannot be made or written to, or another training has it
   */
  static CheckpointFolder open(Path folder) throws IOException {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new IOException(
          "'%s' is not a directory; checkpoints need one of their own".formatted(folder));
    }
    Files.createDirectories(folder);
    FileChannel channel =
        FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        removeAbandoned(folder);
        return new CheckpointFolder(folder, channel);
      }
    } catch (OverlappingFileLockException e) {
      LOG.log(Level.DEBUG, "held in this process", e);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new IOException(
        "another training writes its checkpoints to '%s'; wait for its end, or name another folder"
            .formatted(folder));
  }

  /** What killed trainings were writing: nobody else writes here while the lock is held. */
  private static void removeAbandoned(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> TEMPORARY.matcher(name(f)).matches()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.log(Level.DEBUG, "files left in " + folder, e);
    }
  }

  /** The file for that many batches. */
  Path file(long batches) {
    return folder.resolve("checkpoint-%019d.safetensors".formatted(batches));
  }

  /** What is there, the one that is farthest first. */
  List<Path> newestFirst() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> NAME.matcher(name(file)).matches())
          .sorted(Comparator.comparing(CheckpointFolder::name).reversed())
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  /** Deletes all but the newest ones. What cannot be deleted is left, and logged. */
  void keep(int count) {
    try {
      for (Path old : newestFirst().stream().skip(count).toList()) {
        Files.deleteIfExists(old);
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "old checkpoints in '" + folder + "' are left: " + e, e);
    }
  }

  @Override
  public String toString() {
    return folder.toString();
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "lock of " + folder, e);
    }
  }
}
