package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.openblas.bindings.OpenBlasBindings;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The checked skin over the generated bindings: no downcall is made with an extent that the memory
 * does not have, or a number that {@code blasint}, 32 bits, cannot hold. Plain downcalls: a
 * critical one would hold up the garbage collector for as long as a product takes.
 */
final class OpenBlas {
  private static final int ROW_MAJOR = OpenBlasBindings.CblasRowMajor();
  // What LAPACKE says of a matrix with NaN, its fourth argument.
  private static final int LAPACK_NAN = -4;

  /** Shapes have been checked by the caller, strides and sizes have not. */
  private OpenBlas() {}

  /** {@code C = alpha * op(A) op(B) + beta * C}. */
  static void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    int m = blasint("rows of C", c.rows());
    int n = blasint("columns of C", c.cols());
    long inner = opA == Transpose.NO ? a.cols() : a.rows();
    int k = blasint("inner extent", inner);
    MemorySegment as = memory(a);
    MemorySegment bs = memory(b);
    MemorySegment cs = memory(c);
    int formA = operation(opA);
    int formB = operation(opB);
    int lda = stride(a);
    int ldb = stride(b);
    int ldc = stride(c);
    if (c.dtype() == DType.F32) {
      OpenBlasBindings.cblas_sgemm(
          ROW_MAJOR, formA, formB, m, n, k, (float) alpha, as, lda, bs, ldb, (float) beta, cs, ldc);
    } else {
      OpenBlasBindings.cblas_dgemm(
          ROW_MAJOR, formA, formB, m, n, k, alpha, as, lda, bs, ldb, beta, cs, ldc);
    }
  }

  /** {@code y = alpha * op(A) x + beta * y}. */
  static void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    int m = blasint("rows of A", a.rows());
    int n = blasint("columns of A", a.cols());
    MemorySegment as = memory(a);
    MemorySegment xs = memory(x);
    MemorySegment ys = memory(y);
    int op = operation(transpose);
    int lda = stride(a);
    if (a.dtype() == DType.F32) {
      OpenBlasBindings.cblas_sgemv(
          ROW_MAJOR, op, m, n, (float) alpha, as, lda, xs, 1, (float) beta, ys, 1);
    } else {
      OpenBlasBindings.cblas_dgemv(ROW_MAJOR, op, m, n, alpha, as, lda, xs, 1, beta, ys, 1);
    }
  }

  /** The upper triangle of {@code C = alpha * A^T A + beta * C}. */
  static void syrk(double alpha, Tensor a, double beta, Tensor c) {
    int n = blasint("columns of A", a.cols());
    int k = blasint("rows of A", a.rows());
    MemorySegment as = memory(a);
    MemorySegment cs = memory(c);
    int upper = OpenBlasBindings.CblasUpper();
    int transposed = OpenBlasBindings.CblasTrans();
    int lda = stride(a);
    int ldc = stride(c);
    if (a.dtype() == DType.F32) {
      OpenBlasBindings.cblas_ssyrk(
          ROW_MAJOR, upper, transposed, n, k, (float) alpha, as, lda, (float) beta, cs, ldc);
    } else {
      OpenBlasBindings.cblas_dsyrk(
          ROW_MAJOR, upper, transposed, n, k, alpha, as, lda, beta, cs, ldc);
    }
  }

  /**
   * The Cholesky factor of a square matrix in its lower triangle, in place. LAPACK takes it by
   * columns and from the upper triangle, which is the same memory and needs no transposed copy.
   * Returns false if it is not positive definite, or not finite.
   */
  static boolean cholesky(Tensor a) {
    int n = blasint("rows of A", a.rows());
    MemorySegment as = memory(a);
    int byColumns = OpenBlasBindings.LAPACK_COL_MAJOR();
    int lda = stride(a);
    int info =
        a.dtype() == DType.F32
            ? OpenBlasBindings.LAPACKE_spotrf(byColumns, (byte) 'U', n, as, lda)
            : OpenBlasBindings.LAPACKE_dpotrf(byColumns, (byte) 'U', n, as, lda);
    if (info == LAPACK_NAN) {
      return false;
    }
    if (info < 0) {
      throw new IllegalStateException(
          "LAPACK potrf refused argument " + -info + " for tensor '" + a.name() + "'");
    }
    // An infinite pivot is none to LAPACK; it stays on the diagonal.
    for (long i = 0; info == 0 && i < a.rows(); i++) {
      if (!Double.isFinite(a.get(i, i))) {
        return false;
      }
    }
    return info == 0;
  }

  private static int operation(Transpose transpose) {
    return transpose == Transpose.YES
        ? OpenBlasBindings.CblasTrans()
        : OpenBlasBindings.CblasNoTrans();
  }

  /** The bytes from the first element to the end of the last: what the call may touch. */
  private static MemorySegment memory(Tensor t) {
    return t.segment().asSlice(t.byteOffset(), t.spanBytes());
  }

  /** BLAS wants at least the row's length, even of a matrix without rows. */
  private static int stride(Tensor t) {
    return blasint(
        "row stride of '" + t.name() + "'", Math.max(1, Math.max(t.rowStride(), t.cols())));
  }

  private static int blasint(String what, long value) {
    if (value > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s is %,d, and OpenBLAS counts with 32 bits; use backend simd".formatted(what, value));
    }
    return (int) value;
  }
}
