package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The checked skin over OpenBLAS: no downcall is made with an extent that the memory does not have,
 * or a number that {@code blasint}, 32 bits, cannot hold. Plain downcalls: a critical one would
 * hold up the garbage collector for as long as a product takes.
 *
 * <p>This class is initialized by its first call, when {@link OpenBlasLibrary} has found a library.
 */
final class OpenBlas {
  private static final OpenBlasSymbols SYMBOLS = OpenBlasLibrary.load().symbols();
  private static final MethodHandle SGEMM = SYMBOLS.handle("cblas_sgemm");
  private static final MethodHandle DGEMM = SYMBOLS.handle("cblas_dgemm");
  private static final MethodHandle SGEMV = SYMBOLS.handle("cblas_sgemv");
  private static final MethodHandle DGEMV = SYMBOLS.handle("cblas_dgemv");
  private static final MethodHandle SSYRK = SYMBOLS.handle("cblas_ssyrk");
  private static final MethodHandle DSYRK = SYMBOLS.handle("cblas_dsyrk");
  private static final MethodHandle SPOTRF = SYMBOLS.handle("spotrf_");
  private static final MethodHandle DPOTRF = SYMBOLS.handle("dpotrf_");
  private static final int ROW_MAJOR = OpenBlasSymbols.ROW_MAJOR;

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
    try {
      if (c.dtype() == DType.F32) {
        SGEMM.invokeExact(
            ROW_MAJOR,
            formA,
            formB,
            m,
            n,
            k,
            (float) alpha,
            as,
            lda,
            bs,
            ldb,
            (float) beta,
            cs,
            ldc);
      } else {
        DGEMM.invokeExact(ROW_MAJOR, formA, formB, m, n, k, alpha, as, lda, bs, ldb, beta, cs, ldc);
      }
    } catch (Throwable e) {
      throw OpenBlasSymbols.unexpected(e);
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
    try {
      if (a.dtype() == DType.F32) {
        SGEMV.invokeExact(ROW_MAJOR, op, m, n, (float) alpha, as, lda, xs, 1, (float) beta, ys, 1);
      } else {
        DGEMV.invokeExact(ROW_MAJOR, op, m, n, alpha, as, lda, xs, 1, beta, ys, 1);
      }
    } catch (Throwable e) {
      throw OpenBlasSymbols.unexpected(e);
    }
  }

  /** The upper triangle of {@code C = alpha * A^T A + beta * C}. */
  static void syrk(double alpha, Tensor a, double beta, Tensor c) {
    int n = blasint("columns of A", a.cols());
    int k = blasint("rows of A", a.rows());
    MemorySegment as = memory(a);
    MemorySegment cs = memory(c);
    int upper = OpenBlasSymbols.UPPER;
    int transposed = OpenBlasSymbols.TRANSPOSED;
    int lda = stride(a);
    int ldc = stride(c);
    try {
      if (a.dtype() == DType.F32) {
        SSYRK.invokeExact(
            ROW_MAJOR, upper, transposed, n, k, (float) alpha, as, lda, (float) beta, cs, ldc);
      } else {
        DSYRK.invokeExact(ROW_MAJOR, upper, transposed, n, k, alpha, as, lda, beta, cs, ldc);
      }
    } catch (Throwable e) {
      throw OpenBlasSymbols.unexpected(e);
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
    int lda = stride(a);
    int info = potrf(a.dtype() == DType.F32, n, as, lda);
    if (info < 0) {
      throw new IllegalStateException(
          "LAPACK potrf refused argument " + -info + " for tensor '" + a.name() + "'");
    }
    // A pivot that is infinite or NaN is none to LAPACK; it stays on the diagonal.
    for (long i = 0; info == 0 && i < a.rows(); i++) {
      if (!Double.isFinite(a.get(i, i))) {
        return false;
      }
    }
    return info == 0;
  }

  /** Fortran takes addresses of numbers, which are of this call. */
  private static int potrf(boolean isF32, int n, MemorySegment a, int lda) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment upper = call.allocateFrom(ValueLayout.JAVA_BYTE, (byte) 'U');
      MemorySegment order = call.allocateFrom(ValueLayout.JAVA_INT, n);
      MemorySegment stride = call.allocateFrom(ValueLayout.JAVA_INT, lda);
      MemorySegment info = call.allocate(ValueLayout.JAVA_INT);
      if (isF32) {
        SPOTRF.invokeExact(upper, order, a, stride, info, 1L);
      } else {
        DPOTRF.invokeExact(upper, order, a, stride, info, 1L);
      }
      return info.get(ValueLayout.JAVA_INT, 0);
    } catch (Throwable e) {
      throw OpenBlasSymbols.unexpected(e);
    }
  }

  private static int operation(Transpose transpose) {
    return transpose == Transpose.YES ? OpenBlasSymbols.TRANSPOSED : OpenBlasSymbols.AS_IT_IS;
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
