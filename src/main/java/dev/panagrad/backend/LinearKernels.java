package dev.panagrad.backend;

import dev.panagrad.loss.Loss;
import dev.panagrad.tensor.Tensor;

/**
 * Computes for {@link LinearAlgebra}, which documents the methods of the same names and has checked
 * their operands: shapes, types, sides, liveness and overlap, and that vectors have one extent. Row
 * numbers of an index are checked by the kernel that reads them ({@link Batch#row}), before it
 * writes an output. There is no default {@code gradient} composed of {@code gemv} calls: every
 * backend fuses, and the scalar one is the reference.
 */
public interface LinearKernels extends ProductKernels, AutoCloseable {
  /** True if the kernels work on host memory. */
  default boolean usesHostMemory() {
    return true;
  }

  /**
   * Throws unless the operand is alive and where these kernels can use it.
   *
   * @param mayBeUploaded whether it is one of the rows, which may stay in host memory
   */
  default void requirePlace(Tensor operand, boolean mayBeUploaded) {
    operand.requireHost();
  }

  /** True if there are gradients of that loss. */
  default boolean supports(Loss loss) {
    return true;
  }

  /** True if rows may have weights and offsets. */
  default boolean supportsWeights() {
    return true;
  }

  double dot(Tensor x, Tensor y);

  void axpy(double alpha, Tensor x, Tensor y);

  void lerp(double share, Tensor x, Tensor y);

  double norm2(Tensor x);

  double norm1(Tensor x);

  boolean isFinite(Tensor x);

  void predict(Tensor x, long first, long count, Linear model, Tensor out);

  void gradient(Batch batch, long first, long count, Loss loss, Linear model, Gradient into);

  void triangularize(Tensor r, Tensor blocks);

  /** Frees scratch memory. The backend calls it when no kernel runs any more. */
  @Override
  default void close() {}
}
