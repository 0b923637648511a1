package dev.panagrad.train;

import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.safetensors.IoReason;
import dev.panagrad.safetensors.SafetensorsException;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Map;

/** Where a training's checkpoints are, and the way back to the newest. */
final class Resumption {
  private static final Logger LOG = System.getLogger(Resumption.class.getName());

  private Resumption() {}

  /**
   * The folder of the checkpoints, before the data are standardized in place; null if there are to
   * be none.
   *
   * @throws IllegalArgumentException if it has those of a training that is not to be resumed
   */
  static CheckpointFolder folder(Trainer options) {
    if (options.checkpoints == null) {
      return null;
    }
    Path path = options.checkpoints.folder;
    CheckpointFolder folder = null;
    boolean isUsed = false;
    try {
      folder = CheckpointFolder.open(path);
      if (!options.resume && !folder.newestFirst().isEmpty()) {
        throw new IllegalArgumentException(
            "'%s' has checkpoints of a training, which would be mixed with those of this one; resume it, or name another folder"
                .formatted(path));
      }
      isUsed = true;
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot keep checkpoints in '%s': %s".formatted(path, IoReason.of(e)), e);
    } finally {
      if (folder != null && !isUsed) {
        folder.close();
      }
    }
  }

  /**
   * Goes to where the newest checkpoint is that is not damaged.
   *
   * @param progress becomes that of the checkpoint, as do the optimizer and what else it keeps
   * @param trained training rows
   * @return whether there was one
   * @throws UncheckedIOException if it is of another training, or all of them are damaged
   */
  static boolean resume(
      CheckpointFolder folder,
      Map<String, String> identity,
      TrainingProgress progress,
      Optimizer optimizer,
      long trained) {
    IOException damage = null;
    try {
      for (Path file : folder.newestFirst()) {
        try (TensorArena reading = TensorArena.open("resumed training");
            SavedTraining saved = SavedTraining.open(file, reading)) {
          saved.requireSame(identity);
          String backend = progress.backend;
          progress.restore(saved);
          if (progress.position >= trained) {
            throw new IOException(
                "checkpoint '%s' is at row %,d of an epoch of %,d"
                    .formatted(file, progress.position, trained));
          }
          Checkpoint.restore(optimizer, file);
          warnOfOtherBackend(saved, backend);
          return true;
        } catch (SafetensorsException e) {
          damage = e;
          LOG.log(
              Level.WARNING,
              "a checkpoint is damaged, the one before it is tried: " + e.getMessage());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot resume: " + IoReason.of(e), e);
    }
    if (damage != null) {
      throw new UncheckedIOException(
          "cannot resume, every checkpoint in '%s' is damaged; the oldest: %s"
              .formatted(folder, damage.getMessage()),
          damage);
    }
    return false;
  }

  private static void warnOfOtherBackend(SavedTraining saved, String backend) {
    String before = saved.text(TrainingProgress.BACKEND);
    if (!backend.equals(before)) {
      LOG.log(
          Level.WARNING,
          "the training was on the backend {0} and goes on on {1}, which rounds differently",
          before,
          backend);
    }
  }
}
