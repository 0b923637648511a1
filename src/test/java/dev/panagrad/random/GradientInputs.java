package dev.panagrad.random;

import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.Tensor;

/** What a gradient is computed from, before any of it is checked; null for what there is not. */
record GradientInputs(
    Tensor x, Tensor y, Tensor weights, Tensor offset, Tensor index, Tensor w, Tensor b) {
  DenseRows rows() {
    return new DenseRows(x, y, weights, offset);
  }

  Linear model() {
    return new Linear(w, b);
  }
}
