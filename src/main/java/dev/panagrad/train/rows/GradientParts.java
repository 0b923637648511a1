package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.GradientAccumulator;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * The gradient of a batch whose rows are not visited together: the mean of those of its parts,
 * weighted by their rows. A batch of one part stays where it is.
 */
public final class GradientParts {
  private final Backend backend;
  private final TensorArena arena;
  private final Tensor gradient;
  private GradientAccumulator parts; // null until there is a batch of several parts

  public GradientParts(Backend backend, TensorArena arena, Tensor gradient) {
    this.backend = backend;
    this.arena = arena;
    this.gradient = gradient;
  }

  /**
   * Takes in the gradient of one part, and after the last one makes it that of the batch; by the
   * rows of the part, of the parts before it, and of the batch.
   */
  public void add(long rows, long before, long all) {
    if (rows == all) {
      return;
    }
    if (parts == null) {
      parts = new GradientAccumulator(backend, arena, gradient);
    }
    parts.add(gradient, (double) rows);
    if (before + rows == all) {
      backend.copy(parts.take(), gradient);
    }
  }
}
