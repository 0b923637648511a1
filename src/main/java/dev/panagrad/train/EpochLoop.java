package dev.panagrad.train;

import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What makes the epochs of a training. Calls come in this order, the first two before rows are
 * placed.
 */
interface EpochLoop {
  /**
   * Texts that make checkpoints of the same training recognizable.
   *
   * @param saved the checkpoint to compare with, or null
   */
  Map<String, String> identity(SavedTraining saved) throws IOException;

  /** Looks at all that a checkpoint has for it; nothing changes. */
  void examine(SavedTraining saved) throws IOException;

  /**
   * Gets ready, once the rows are placed.
   *
   * @param progress where the training is
   * @param saved an examined checkpoint to go on from, or null
   */
  void begin(TrainingProgress progress, DivergenceWatch watch, SavedTraining saved)
      throws IOException;

  /**
   * Goes on to the end of the epoch.
   *
   * @param betweenSteps is run between two steps
   * @return false if it was asked to stop before
   */
  boolean epoch(Runnable betweenSteps);

  /** Steps made. */
  long steps();

  /** The rate, or what stands for it, of the last step. */
  double stepLength();

  /** The base learning rate; NaN if there is none. */
  double learningRate();

  /** Steps skipped because their gradient was not finite. */
  long skippedSteps();

  /** Passes over the training rows that so many epochs took, beside those of the objective. */
  long passes(long epochs);

  /** Why it has ended by itself; null if it may go on. */
  StopReason reason();

  /** Multiplies the learning rate. */
  void reduceRate(double factor);

  /** The average of the parameters, flat; null if none is kept. */
  Tensor average();

  /** Makes the regression's parameters and the progress what they are after the last step. */
  void settle();

  /** Parameters and state, to be saved. */
  CheckpointSnapshot snapshot(boolean isCopy);

  /** Texts of its own in a checkpoint. */
  Map<String, String> texts();

  /** Tensors of its own in a checkpoint. */
  List<Tensor> tensors(TensorArena arena);
}
