package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.rule.Checks;
import dev.panagrad.train.checkpoint.CheckpointFolder;
import dev.panagrad.train.checkpoint.CheckpointPlan;
import dev.panagrad.train.checkpoint.SavedTraining;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Says where and how often a training writes down where it is, so that it goes on bit for bit after
 * the process ended at any moment.
 *
 * <p>A folder holds the checkpoints of one training, {@code checkpoint-BATCHES.safetensors} with
 * the number of batches done. A last one is written whenever a training ends by itself or is
 * {@linkplain Trainer#stopWhen asked to stop}. One that cannot be written, on a full disk, does not
 * end a training: it is logged as a warning, those before stay, and the next one is tried when it
 * is due; {@link TrainingResult#checkpointFailure} is of the last.
 */
public final class Checkpoints {
  private final Path folder;
  private long everySteps;
  private Duration every;
  private int keep = 3;
  private boolean inBackground;

  private Checkpoints(Path folder) {
    this.folder = Objects.requireNonNull(folder, "folder");
  }

  /** Writes checkpoints to that folder, made if need be; at the end only, and keeps the last 3. */
  public static Checkpoints in(Path folder) {
    return new Checkpoints(folder);
  }

  /** Writes one after every that many optimizer steps, at least 1. */
  public Checkpoints everySteps(long steps) {
    this.everySteps = Checks.count("steps between checkpoints", steps);
    return this;
  }

  /** Writes one after the step at which that much time has passed since the last one. */
  public Checkpoints every(Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException(
          "time between checkpoints must be positive, found " + time);
    }
    this.every = time;
    return this;
  }

  /** Keeps that many, at least 1: older ones are deleted once a new one is fsynced. */
  public Checkpoints keep(int count) {
    this.keep = (int) Checks.count("checkpoints to keep", count);
    return this;
  }

  /**
   * Lets training go on while a checkpoint is written, from a copy of parameters and state; one
   * that falls due meanwhile waits for it.
   */
  public Checkpoints inBackground() {
    this.inBackground = true;
    return this;
  }

  /**
   * Reads the model of the newest checkpoint in a folder that is not damaged, for {@link
   * Trainer#startFrom}: the parameters of its last step in raw units, whatever rule, rate, batches
   * and units it was trained with, also while a training goes on there.
   *
   * @throws IOException if there is none, all are damaged, or the newest has no model
   */
  public static LinearModel model(Path folder) throws IOException {
    LinearModel[] model = new LinearModel[1];
    try (SavedTraining saved =
        CheckpointFolder.newest(
            folder,
            s -> model[0] = s.model((file, in) -> ModelFile.read(file, in, SavedTraining.MODEL)))) {
      if (saved == null) {
        throw new IOException("'%s' has no checkpoints; name another folder".formatted(folder));
      }
      return model[0];
    } catch (UncheckedIOException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  CheckpointPlan plan() {
    return new CheckpointPlan(folder, everySteps, every, keep, inBackground);
  }
}
