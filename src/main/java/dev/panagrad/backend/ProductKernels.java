package dev.panagrad.backend;

import dev.panagrad.tensor.Tensor;

/**
 * A BLAS library may replace these of the {@link LinearKernels}. {@link LinearAlgebra} documents
 * the methods of the same names and has checked their operands; strides of rows are arbitrary.
 */
public interface ProductKernels {
  void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y);

  void gemm(Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c);

  default void syrk(double alpha, Tensor a, double beta, Tensor c) {
    gemm(Transpose.YES, Transpose.NO, alpha, a, a, beta, c);
  }

  boolean cholesky(Tensor a);
}
