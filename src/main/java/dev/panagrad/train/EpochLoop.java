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
  /** Throws if a checkpoint is damaged or of another training; nothing changes. */
  void examine(SavedTraining saved) throws IOException;

  /** Gets ready, once the rows are placed, to go on from an examined checkpoint if not null. */
  void begin(TrainingProgress progress, DivergenceWatch watch, SavedTraining saved)
      throws IOException;

  /** Options of its own that make checkpoints of the same training recognizable. */
  default Map<String, String> identity() {
    return Map.of();
  }

  /** Goes on to the end of the epoch, and runs that between two steps; false if asked to stop. */
  boolean epoch(Runnable betweenSteps);

  /** Makes the regression's parameters and the progress what they are after the last step. */
  void settle();

  long steps();

  /** The rate of the last step, or what stands for it. */
  double stepLength();

  default double learningRate() {
    return Double.NaN;
  }

  default void reduceRate(double factor) {
    throw new IllegalStateException("the plan refuses to lower the rate of a method without one");
  }

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

  CheckpointSnapshot snapshot(boolean isCopy);

  // What it has of its own in a checkpoint.

  Map<String, String> texts();

  List<Tensor> tensors(TensorArena arena);
}
