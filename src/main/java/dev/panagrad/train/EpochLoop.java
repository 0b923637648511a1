package dev.panagrad.train;

import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** What makes the epochs of a training. {@link #examine} comes before rows are placed. */
interface EpochLoop {
  /**
   * Looks at all that a checkpoint has for it; nothing changes.
   *
   * @throws IOException if it is damaged, or of another training
   */
  void examine(SavedTraining saved) throws IOException;

  /**
   * Gets ready, once the rows are placed.
   *
   * @param saved an examined checkpoint to go on from, or null
   */
  void begin(TrainingProgress progress, DivergenceWatch watch, SavedTraining saved)
      throws IOException;

  /** Options of its own that make checkpoints of the same training recognizable. */
  default Map<String, String> identity() {
    return Map.of();
  }

  /**
   * Goes on to the end of the epoch, and runs that between two steps.
   *
   * @return false if it was asked to stop before
   */
  boolean epoch(Runnable betweenSteps);

  /** Makes the regression's parameters and the progress what they are after the last step. */
  void settle();

  /** Steps made. */
  long steps();

  /** The rate of the last step, or what stands for it. */
  double stepLength();

  /** The base learning rate; NaN if there is none. */
  default double learningRate() {
    return Double.NaN;
  }

  /** Multiplies the learning rate. */
  default void reduceRate(double factor) {
    throw new IllegalStateException("the plan refuses to lower the rate of a method without one");
  }

  /** Steps skipped because their gradient was not finite. */
  default long skippedSteps() {
    return 0;
  }

  /** Passes over the training rows that so many epochs took, beside those of the objective. */
  default long passes(long epochs) {
    return 0;
  }

  /** Why it has ended by itself; null if it may go on. */
  default StopReason reason() {
    return null;
  }

  /** The average of the parameters, flat; null if none is kept. */
  default Tensor average() {
    return null;
  }

  /** Parameters and state, to be saved. */
  CheckpointSnapshot snapshot(boolean isCopy);

  /** Texts of its own in a checkpoint. */
  Map<String, String> texts();

  /** Tensors of its own in a checkpoint. */
  List<Tensor> tensors(TensorArena arena);
}
