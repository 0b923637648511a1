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

  /** Copies the upper triangle to the lower one, by squares that stay in the cache. */
  static void mirror(Tensor c) {
    long side = 32;
    for (long top = 0; top < c.rows(); top += side) {
      for (long left = 0; left <= top; left += side) {
        for (long i = top; i < Math.min(top + side, c.rows()); i++) {
          for (long j = left; j < Math.min(left + side, i); j++) {
            c.set(i, j, c.get(j, i));
          }
        }
      }
    }
  }
}
