package dev.panagrad.train;

import dev.panagrad.rule.Checks;
import dev.panagrad.train.checkpoint.CheckpointPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Where and how often a training writes down where it is, so that it goes on bit for bit after the
 * process ended at any moment.
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

  /** Checkpoints in that folder, made if need be; written at the end only, and the last 3 kept. */
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

  /** How many are kept, at least 1: older ones are deleted once a new one is on the disk. */
  public Checkpoints keep(int count) {
    this.keep = (int) Checks.count("checkpoints to keep", count);
    return this;
  }

  /**
   * Training goes on while a checkpoint is written, from a copy of parameters and state; one that
   * falls due meanwhile waits for it.
   */
  public Checkpoints inBackground() {
    this.inBackground = true;
    return this;
  }

  CheckpointPlan plan() {
    return new CheckpointPlan(folder, everySteps, every, keep, inBackground);
  }
}
