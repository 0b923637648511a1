package dev.panagrad.backend;

import dev.panagrad.tensor.Tensor;

/** Those of {@link LinearKernels} that a BLAS library may replace. */
public interface ProductKernels {
  /** {@link LinearAlgebra#gemv}. */
  void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y);

  /** {@link LinearAlgebra#gemm}. */
  void gemm(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c);

  /** {@link LinearAlgebra#syrk}. */
  default void syrk(double alpha, Tensor a, double beta, Tensor c) {
    gemm(Transpose.YES, Transpose.NO, alpha, a, a, beta, c);
  }

  /** {@link LinearAlgebra#cholesky}. */
  boolean cholesky(Tensor a);
}
