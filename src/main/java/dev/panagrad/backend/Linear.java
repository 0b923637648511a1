package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Holds the parameters of a linear model, {@code Y = X W^T + b}.
 *
 * @param w weights [k, d], F32 or F64, contiguous, of at least one output
 * @param b intercepts [k] of the same type, or null for none
 */
public record Linear(Tensor w, Tensor b) {
  /** Throws IllegalArgumentException if a shape or type does not fit. */
  public Linear {
    DType dtype = Operands.floating(w);
    Operands.matrix(w, dtype);
    w.requireContiguous();
    if (w.rows() < 1) {
      throw new IllegalArgumentException(
          "weights '%s' have shape %s: at least one output is needed"
              .formatted(w.name(), w.shape()));
    }
    if (b != null) {
      Operands.vector(b, dtype, w.rows());
    }
  }

  /** Returns the number of inputs d. */
  public long features() {
    return w.cols();
  }

  /** Returns the number of outputs k. */
  public long outputs() {
    return w.rows();
  }

  /** Returns the element type: F32 or F64. */
  public DType dtype() {
    return w.dtype();
  }
}
