package dev.panagrad.benchmark.ratio;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** OpenBLAS through java.lang.foreign. The handles are constants, so that calls are compiled. */
final class OpenBlasPeer {
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANSPOSE = 111;
  private static final int TRANSPOSE = 112;

  private static final SymbolLookup LIBRARY = OpenBlasLibrary.load();

  private static final FunctionDescriptor GEMM_TYPE =
      FunctionDescriptor.ofVoid(
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_INT,
          ADDRESS,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_INT);

  private static final FunctionDescriptor GEMV_TYPE =
      FunctionDescriptor.ofVoid(
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_INT,
          ADDRESS,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_INT);

  private static final MethodHandle GEMV = bind("cblas_sgemv", GEMV_TYPE);

  private static final MethodHandle GEMM = bind("cblas_sgemm", GEMM_TYPE);

  /**
   * The cheapest call there is; it holds up safepoints, so it is for work well under a microsecond.
   */
  private static final Linker.Option SHORT = Linker.Option.critical(false);

  private static final MethodHandle SHORT_GEMV = bind("cblas_sgemv", GEMV_TYPE, SHORT);

  private static final MethodHandle SHORT_GEMM = bind("cblas_sgemm", GEMM_TYPE, SHORT);

  private static final MethodHandle AXPY =
      bind(
          "cblas_saxpy",
          FunctionDescriptor.ofVoid(JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));

  private static final MethodHandle SHORT_DOT =
      bind(
          "cblas_sdot",
          FunctionDescriptor.of(JAVA_FLOAT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT),
          SHORT);

  private OpenBlasPeer() {}

  private static MethodHandle bind(
      String function, FunctionDescriptor type, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(function), type, options);
  }

  /** {@code out = 2/n X^T (X w - y)}: residuals by one gemv, gradient by another. */
  static OutputContender.Loop gradient(Tensor x, Tensor y, Tensor w, Tensor residual, Tensor out) {
    int rows = Math.toIntExact(x.rows());
    int features = Math.toIntExact(x.cols());
    float scale = 2f / rows;
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    MemorySegment ws = NativeView.of(w);
    MemorySegment rs = NativeView.of(residual);
    MemorySegment gs = NativeView.of(out);
    return times -> {
      for (long i = 0; i < times; i++) {
        rs.copyFrom(ys);
        gemv(NO_TRANSPOSE, rows, features, 1, xs, ws, -1, rs);
        gemv(TRANSPOSE, rows, features, scale, xs, rs, 0, gs);
      }
    };
  }

  private static void gemv(
      int transpose,
      int rows,
      int cols,
      float alpha,
      MemorySegment a,
      MemorySegment x,
      float beta,
      MemorySegment y) {
    try {
      GEMV.invokeExact(ROW_MAJOR, transpose, rows, cols, alpha, a, cols, x, 1, beta, y, 1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * {@code out = 2/n (X W^T - Y)^T X} by two gemm calls and a pass over the residuals, with weights
   * as we have them, [outputs, features].
   */
  static OutputContender.Loop gradientByOutputs(
      Tensor x, Tensor y, Tensor w, Tensor residual, Tensor out) {
    int rows = Math.toIntExact(x.rows());
    int features = Math.toIntExact(x.cols());
    int outputs = Math.toIntExact(y.cols());
    float scale = 2f / rows;
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    MemorySegment ws = NativeView.of(w);
    MemorySegment rs = NativeView.of(residual);
    MemorySegment gs = NativeView.of(out);
    return times -> {
      for (long i = 0; i < times; i++) {
        gemm(NO_TRANSPOSE, TRANSPOSE, rows, outputs, features, 1, xs, ws, rs);
        axpy(rows * outputs, -1, ys, rs);
        gemm(TRANSPOSE, NO_TRANSPOSE, outputs, features, rows, scale, rs, xs, gs);
      }
    };
  }

  /** The same with weights and gradient as [features, outputs]. */
  static OutputContender.Loop gradientByFeatures(
      Tensor x, Tensor y, Tensor w, Tensor residual, Tensor out) {
    int rows = Math.toIntExact(x.rows());
    int features = Math.toIntExact(x.cols());
    int outputs = Math.toIntExact(y.cols());
    float scale = 2f / rows;
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    MemorySegment ws = NativeView.of(w);
    MemorySegment rs = NativeView.of(residual);
    MemorySegment gs = NativeView.of(out);
    return times -> {
      for (long i = 0; i < times; i++) {
        gemm(NO_TRANSPOSE, NO_TRANSPOSE, rows, outputs, features, 1, xs, ws, rs);
        axpy(rows * outputs, -1, ys, rs);
        gemm(TRANSPOSE, NO_TRANSPOSE, features, outputs, rows, scale, xs, rs, gs);
      }
    };
  }

  /** {@code C = alpha op(A) op(B)}, m x n, without gaps between rows. */
  private static void gemm(
      int transposeA,
      int transposeB,
      int m,
      int n,
      int k,
      float alpha,
      MemorySegment a,
      MemorySegment b,
      MemorySegment c) {
    int strideA = transposeA == TRANSPOSE ? m : k;
    int strideB = transposeB == TRANSPOSE ? k : n;
    try {
      GEMM.invokeExact(
          ROW_MAJOR, transposeA, transposeB, m, n, k, alpha, a, strideA, b, strideB, 0f, c, n);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void axpy(int count, float alpha, MemorySegment x, MemorySegment y) {
    try {
      AXPY.invokeExact(count, alpha, x, 1, y, 1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** {@code C = A B} for square matrices. */
  static OutputContender.Loop gemm(Tensor a, Tensor b, Tensor c) {
    int n = Math.toIntExact(a.rows());
    MemorySegment as = NativeView.of(a);
    MemorySegment bs = NativeView.of(b);
    MemorySegment cs = NativeView.of(c);
    if (n <= 32) {
      return times -> {
        for (long i = 0; i < times; i++) {
          shortGemm(n, as, bs, cs);
        }
      };
    }
    return times -> {
      for (long i = 0; i < times; i++) {
        gemm(NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1, as, bs, cs);
      }
    };
  }

  private static void shortGemm(int n, MemorySegment a, MemorySegment b, MemorySegment c) {
    try {
      SHORT_GEMM.invokeExact(
          ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1f, a, n, b, n, 0f, c, n);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** {@code y = A x} for a small square matrix. */
  static OutputContender.Loop gemv(Tensor a, Tensor x, Tensor y) {
    int n = Math.toIntExact(a.rows());
    MemorySegment as = NativeView.of(a);
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    return times -> {
      for (long i = 0; i < times; i++) {
        shortGemv(n, as, xs, ys);
      }
    };
  }

  private static void shortGemv(int n, MemorySegment a, MemorySegment x, MemorySegment y) {
    try {
      SHORT_GEMV.invokeExact(ROW_MAJOR, NO_TRANSPOSE, n, n, 1f, a, n, x, 1, 0f, y, 1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** {@code out = x . y}. */
  static OutputContender.Loop dot(Tensor x, Tensor y, Tensor out) {
    int n = Math.toIntExact(x.count());
    MemorySegment xs = NativeView.of(x);
    MemorySegment ys = NativeView.of(y);
    MemorySegment os = NativeView.of(out);
    return times -> {
      for (long i = 0; i < times; i++) {
        os.set(JAVA_FLOAT, 0, dot(n, xs, ys));
      }
    };
  }

  private static float dot(int n, MemorySegment x, MemorySegment y) {
    try {
      return (float) SHORT_DOT.invokeExact(n, x, 1, y, 1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
