package dev.panagrad.backend.simd;

import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;

/** Hands each call to the kernel of its element type. */
final class SimdLinear extends LinearKernels {
  private final RowSumsF32 sumsF32;
  private final RowSumsF64 sumsF64;
  private final RowProductsF32 productsF32;
  private final RowProductsF64 productsF64;
  private final GemmF32 gemmF32;
  private final GemmF64 gemmF64;
  private final OutputPanelsF32 panelsF32;
  private final OutputPanelsF64 panelsF64;

  SimdLinear(StepTrace trace, WorkerPool pool, Arena arena) {
    super(trace);
    sumsF32 = new RowSumsF32(pool, arena);
    sumsF64 = new RowSumsF64(pool, arena);
    productsF32 = new RowProductsF32(pool, arena);
    productsF64 = new RowProductsF64(pool, arena);
    gemmF32 = new GemmF32(pool);
    gemmF64 = new GemmF64(pool);
    panelsF32 = new OutputPanelsF32(pool, gemmF32);
    panelsF64 = new OutputPanelsF64(pool, gemmF64);
  }

  private static boolean isF32(Tensor t) {
    return t.dtype() == DType.F32;
  }

  @Override
  protected double dotKernel(Tensor x, Tensor y) {
    return isF32(x) ? VectorKernelsF32.dot(x, y) : VectorKernelsF64.dot(x, y);
  }

  @Override
  protected void axpyKernel(double alpha, Tensor x, Tensor y) {
    if (isF32(x)) {
      VectorKernelsF32.axpy(alpha, x, y);
    } else {
      VectorKernelsF64.axpy(alpha, x, y);
    }
  }

  @Override
  protected void lerpKernel(double share, Tensor x, Tensor y) {
    if (isF32(x)) {
      VectorKernelsF32.lerp(share, x, y);
    } else {
      VectorKernelsF64.lerp(share, x, y);
    }
  }

  @Override
  protected double norm2Kernel(Tensor x) {
    return isF32(x) ? VectorKernelsF32.norm2(x) : VectorKernelsF64.norm2(x);
  }

  @Override
  protected double norm1Kernel(Tensor x) {
    return isF32(x) ? VectorKernelsF32.norm1(x) : VectorKernelsF64.norm1(x);
  }

  @Override
  protected boolean isFiniteKernel(Tensor x) {
    return isF32(x) ? VectorKernelsF32.isFinite(x) : VectorKernelsF64.isFinite(x);
  }

  @Override
  protected void gemvKernel(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    if (transpose == Transpose.YES) {
      if (isF32(a)) {
        sumsF32.transposedProduct(alpha, a, x, beta, y);
      } else {
        sumsF64.transposedProduct(alpha, a, x, beta, y);
      }
    } else if (isF32(a)) {
      productsF32.apply(alpha, a, 0, a.rows(), x, null, beta, y);
    } else {
      productsF64.apply(alpha, a, 0, a.rows(), x, null, beta, y);
    }
  }

  @Override
  protected void gemmKernel(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    if (isF32(a)) {
      gemmF32.apply(transposeA, transposeB, alpha, a, b, beta, c);
    } else {
      gemmF64.apply(transposeA, transposeB, alpha, a, b, beta, c);
    }
  }

  @Override
  protected void syrkKernel(double alpha, Tensor a, double beta, Tensor c) {
    gemmKernel(Transpose.YES, Transpose.NO, alpha, a, a, beta, c);
  }

  @Override
  protected boolean choleskyKernel(Tensor a) {
    return isF32(a) ? CholeskyF32.factorize(a) : CholeskyF64.factorize(a);
  }

  @Override
  protected void predictKernel(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
    if (isF32(x)) {
      productsF32.apply(1, x, first, count, w, b, 0, out);
    } else {
      productsF64.apply(1, x, first, count, w, b, 0, out);
    }
  }

  @Override
  protected void gradientKernel(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    if (w.rows() >= OutputPanelsF32.MIN_OUTPUTS) {
      if (isF32(x)) {
        panelsF32.gradient(x, y, index, first, count, w, b, gw, gb, loss);
      } else {
        panelsF64.gradient(x, y, index, first, count, w, b, gw, gb, loss);
      }
    } else if (isF32(x)) {
      sumsF32.gradient(null, x, y, index, first, count, w, b, gw, gb, loss);
    } else {
      sumsF64.gradient(null, x, y, index, first, count, w, b, gw, gb, loss);
    }
  }

  @Override
  public boolean hasLosses() {
    return true;
  }

  @Override
  protected void gradientKernel(
      RowLoss rowLoss,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    if (isF32(x)) {
      sumsF32.gradient(rowLoss, x, y, index, first, count, w, b, gw, gb, loss);
    } else {
      sumsF64.gradient(rowLoss, x, y, index, first, count, w, b, gw, gb, loss);
    }
  }

  @Override
  public void close() {
    super.close();
    sumsF32.close();
    sumsF64.close();
    panelsF32.close();
    panelsF64.close();
  }
}
