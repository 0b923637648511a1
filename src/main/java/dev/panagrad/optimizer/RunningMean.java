package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;

/** A weighted mean of vectors, taken in one by one. */
final class RunningMean {
  private final Backend backend;
  private final Tensor mean;

  /** On a device, whose kernels have a sum and no mean; null in host memory. */
  private final Tensor before;

  /** Of vectors like that one, where the backend computes; zero until there is one. */
  RunningMean(Backend backend, TensorArena arena, String name, Tensor like) {
    this.backend = backend;
    mean = backend.allocate(arena, name, like.dtype(), like.shape());
    before =
        backend.usesHostMemory()
            ? null
            : backend.allocate(arena, name + " before", like.dtype(), like.shape());
  }

  /** All that {@link #add} writes. */
  List<Tensor> memory() {
    return before == null ? List.of(mean) : List.of(mean, before);
  }

  Tensor vector() {
    return mean;
  }

  /**
   * Takes in a vector: {@code mean += share (x - mean)}.
   *
   * @param share its part of the new mean, above 0; with 1 what was there does not matter
   */
  void add(Tensor x, double share) {
    if (share == 1) {
      backend.copy(x, mean);
    } else if (before == null) {
      backend.linear().lerp(share, x, mean);
    } else {
      backend.copy(mean, before);
      // x is the one that may be refused: first.
      backend.linear().axpy(share, x, mean);
      backend.linear().axpy(-share, before, mean);
    }
  }
}
