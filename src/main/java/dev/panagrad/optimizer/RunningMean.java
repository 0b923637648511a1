package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/** A weighted mean of vectors, where the backend computes; zero until one was taken in. */
record RunningMean(Backend backend, Tensor vector) {
  static RunningMean of(Backend backend, TensorArena arena, String name, Tensor like) {
    return new RunningMean(backend, backend.allocate(arena, name, like.dtype(), like.shape()));
  }

  /** Takes in a vector: {@code mean += share (x - mean)}; a share of 1 replaces what was there. */
  void add(Tensor x, double share) {
    if (share == 1) {
      backend.copy(x, vector);
    } else {
      backend.linear().lerp(share, x, vector);
    }
  }
}
