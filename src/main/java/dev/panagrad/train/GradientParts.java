package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * The gradient of a batch whose rows are not in memory together: the mean of those of its parts,
 * weighted by their rows. A batch of one part stays where it is.
 */
final class GradientParts {
  private final Backend backend;
  private final TensorArena arena;
  private final Tensor gradient;

  /** Null until there is a batch of several parts. */
  private Tensor sum;

  private Tensor one;

  GradientParts(Backend backend, TensorArena arena, Tensor gradient) {
    this.backend = backend;
    this.arena = arena;
    this.gradient = gradient;
  }

  /**
   * Takes in the gradient of one part, and after the last one makes it that of the batch.
   *
   * @param rows of the part
   * @param before rows of the parts before it
   * @param all rows of the batch
   */
  void add(long rows, long before, long all) {
    if (rows == all) {
      return;
    }
    if (sum == null) {
      sum = backend.allocate(arena, "sum of gradients", gradient.dtype(), gradient.shape());
      one = backend.place(arena, arena.allocate("one", gradient.dtype(), 1, 1).fill(1));
    }
    Tensor from = gradient.reshape(1, gradient.count());
    Tensor to = sum.reshape(1, gradient.count());
    double share = (double) rows / all;
    backend.linear().gemm(Transpose.NO, Transpose.NO, share, one, from, before == 0 ? 0 : 1, to);
    if (before + rows == all) {
      backend.copy(sum, gradient);
    }
  }
}
