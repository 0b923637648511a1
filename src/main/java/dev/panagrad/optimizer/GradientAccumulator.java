package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * Averages the gradients of several batches, for one step on all of them: what one batch of all
 * their rows would give, to rounding. Gradients are means over their rows, so each counts by its
 * number of rows; a sum would multiply the learning rate.
 *
 * <pre>
 *   for (DenseRows rows : fourBatches) {
 *     regression.computeGradient(rows.x(), rows.y());
 *     accumulator.add(regression.gradient().flat(), rows.count());
 *   }
 *   optimizer.step(accumulator.take());
 * </pre>
 *
 * <p>Ownership: the mean belongs to the arena. Threading: one thread at a time.
 */
public final class GradientAccumulator {
  private final RunningMean mean;
  private final Tensor like;
  private double weight;

  /** Takes gradients of that type and length, where the backend computes. */
  public GradientAccumulator(Backend backend, TensorArena arena, Tensor like) {
    this.like = like;
    mean = RunningMean.of(backend, arena, "mean gradient", like);
  }

  /**
   * Takes in a flat gradient by its weight, which is above 0: its rows.
   *
   * @throws IllegalArgumentException if the gradient is of another type, shape or device, or shares
   *     memory with the mean, or the sum of all weights is not finite; nothing changes
   * @throws IllegalStateException if memory or the backend has been closed; nothing changes
   */
  public void add(Tensor gradient, double newWeight) {
    Checks.positive("weight of a gradient", newWeight);
    gradient.requireDType(like.dtype());
    gradient.requireShape(like.shape());
    gradient.requireContiguous();
    gradient.requireDisjoint(mean.vector());
    if (gradient.isHost() != mean.vector().isHost()) {
      throw new IllegalArgumentException(
          "gradient '%s' and its mean are not in the memory of the same device"
              .formatted(gradient.name()));
    }
    double sum = Checks.positive("sum of the weights of gradients", weight + newWeight);
    mean.add(gradient, newWeight / sum);
    weight = sum;
  }

  /** Returns the mean, which stays until the next {@link #add}; throws if none was added. */
  public Tensor take() {
    if (weight == 0) {
      throw new IllegalStateException("there is no mean of no gradients; add one");
    }
    weight = 0;
    return mean.vector();
  }
}
