package dev.panagrad.train.checkpoint;

import dev.panagrad.safetensors.IoReason;
import dev.panagrad.safetensors.SafetensorsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;

/** The way back to the newest checkpoint of a training. */
public final class Resumption {
  private static final Logger LOG = System.getLogger(Resumption.class.getName());

  private Resumption() {}

  /**
   * Looks at all of a checkpoint, and changes nothing; throws {@link SafetensorsException} if it is
   * damaged, and other {@link IOException}s if it is of another training.
   */
  @FunctionalInterface
  public interface Examination {
    void require(SavedTraining saved) throws IOException;
  }

  /**
   * The newest checkpoint that is not damaged, for the caller to close; null if there is none.
   *
   * @throws UncheckedIOException if it is of another training, or all of them are damaged
   */
  public static SavedTraining newest(CheckpointFolder folder, Examination examination) {
    SafetensorsException damage = null;
    try {
      for (Path file : folder.newestFirst()) {
        try {
          return examined(file, examination);
        } catch (SafetensorsException e) {
          damage = e;
          LOG.log(
              Level.WARNING,
              "a checkpoint is damaged, the one before it is tried: " + e.getMessage());
        }
      }
    } catch (IOException e) {
      throw cannotResume(e);
    }
    if (damage != null) {
      throw new UncheckedIOException(
          "cannot resume, every checkpoint in '%s' is damaged; the oldest: %s"
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

  public static UncheckedIOException cannotResume(IOException e) {
    return new UncheckedIOException("cannot resume: " + IoReason.of(e), e);
  }
}
