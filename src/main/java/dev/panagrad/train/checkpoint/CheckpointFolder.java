package dev.panagrad.train.checkpoint;

import dev.panagrad.safetensors.IoReason;
import dev.panagrad.safetensors.SafetensorsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checkpoints of one training, by the number of batches done. Locked while it is open. */
public record CheckpointFolder(Path folder, Path held, FileChannel lockFile, Object lockKey)
    implements AutoCloseable {
  private static final Logger LOG = System.getLogger(CheckpointFolder.class.getName());
  private static final Pattern NAME = Pattern.compile("checkpoint-([0-9]{19})\\.safetensors");
  private static final Pattern TEMPORARY = Pattern.compile("\\.checkpoint-.*\\.tmp");
  private static final String LOCK = ".lock";

  /** Folders of this process: the system's locks are between processes, and lost at any close. */
  private static final Set<Path> HELD = new HashSet<>();

  /**
   * Makes the folder if it does not exist, and takes its lock.
   *
   * @throws UncheckedIOException if it cannot be made or written to, or another training has it
   * @throws IllegalArgumentException if it has checkpoints of a training that is not to be resumed
   */
  public static CheckpointFolder open(Path path, boolean isResumed) {
    try {
      if (Files.exists(path) && !Files.isDirectory(path)) {
        throw new IOException(
            "'%s' is not a directory; checkpoints need one of their own".formatted(path));
      }
      Files.createDirectories(path);
      CheckpointFolder folder = lock(path, path.toRealPath());
      try {
        if (!isResumed && !folder.newestFirst().isEmpty()) {
          throw new IllegalArgumentException(
              "'%s' has checkpoints of a training, which would be mixed with those of this one; resume it, or name another folder"
                  .formatted(path));
        }
      } catch (Throwable e) {
        folder.close();
        throw e;
      }
      removeAbandoned(path);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot keep checkpoints in '%s': %s".formatted(path, IoReason.of(e)), e);
    }
  }

  private static CheckpointFolder lock(Path folder, Path held) throws IOException {
    synchronized (HELD) {
      if (!HELD.add(held)) {
        throw inUse(folder);
      }
    }
    FileChannel channel = null;
    try {
      Path file = folder.resolve(LOCK);
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new IOException("'%s' is not a regular file; remove it".formatted(file));
      }
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        throw inUse(folder);
      }
      return new CheckpointFolder(folder, held, channel, key(file));
    } catch (Throwable e) {
      release(held);
      if (channel != null) {
        channel.close();
      }
      if (e instanceof OverlappingFileLockException) {
        throw inUse(folder);
      }
      throw e;
    }
  }

  private static Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  private static IOException inUse(Path folder) {
    return new IOException(
        "another training writes its checkpoints to '%s'; wait for its end, or name another folder"
            .formatted(folder));
  }

  private static void release(Path held) {
    synchronized (HELD) {
      HELD.remove(held);
    }
  }

  /** Throws if the folder was removed, and perhaps made again for another training. */
  public void requireHeld() throws IOException {
    Path file = folder.resolve(LOCK);
    Object found;
    try {
      found = key(file);
    } catch (NoSuchFileException e) {
      found = "none";
    } catch (IOException e) {
      throw new IOException("cannot look at '%s': %s".formatted(file, IoReason.of(e)), e);
    }
    if (!Objects.equals(lockKey, found)) {
      throw new IOException(
          "the directory '%s' is not the one that this training began with: it was removed"
              .formatted(folder));
    }
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

  public Path file(long batches) {
    return folder.resolve(String.format(Locale.ROOT, "checkpoint-%019d.safetensors", batches));
  }

  private List<Path> newestFirst() throws IOException {
    return newestFirst(folder);
  }

  private static List<Path> newestFirst(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> NAME.matcher(name(file)).matches())
          .sorted(Comparator.comparing(CheckpointFolder::name).reversed())
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /**
   * Looks at all of a checkpoint, and changes nothing; throws {@link SafetensorsException} if it is
   * damaged, and other {@link IOException}s if it is of another training.
   */
  @FunctionalInterface
  public interface Examination {
    void require(SavedTraining saved) throws IOException;
  }

  /** The newest one that is not damaged, for the caller to close; null in an empty folder. */
  public SavedTraining newest(Examination examination) throws IOException {
    return newest(folder, examination);
  }

  /** The same of a folder that is not locked, in which a training may write meanwhile. */
  public static SavedTraining newest(Path folder, Examination examination) throws IOException {
    SafetensorsException damage = null;
    for (Path file : newestFirst(folder)) {
      try {
        return examined(file, examination);
      } catch (SafetensorsException e) {
        damage = e;
        LOG.log(
            Level.WARNING,
            "a checkpoint is damaged, the one before it is tried: " + e.getMessage());
      }
    }
    if (damage != null) {
      throw new UncheckedIOException(
          "cannot go on, every checkpoint in '%s' is damaged; the oldest: %s"
              .formatted(folder, damage.getMessage()),
          damage);
    }
    return null;
  }

  private static SavedTraining examined(Path file, Examination examination) throws IOException {
    SavedTraining saved = SavedTraining.open(file);
    try {
      examination.require(saved);
      return saved;
    } catch (Throwable e) {
      saved.close();
      throw e;
    }
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  /**
   * Deletes all but the newest ones up to that of so many batches: those beyond it are damaged, or
   * the training would have gone on from them. What cannot be deleted is left, and logged.
   */
  public void keep(int count, long batches) {
    String newest = name(file(batches));
    try {
      for (Path old :
          newestFirst().stream()
              .filter(file -> name(file).compareTo(newest) <= 0)
              .skip(count)
              .toList()) {
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
    release(held);
    try {
      lockFile.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "lock of " + folder, e);
    }
  }
}
