package dev.panagrad.backend.simd;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.loss.Loss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;

/** Hands each call to the kernels of its element type. */
public final class SimdLinear implements LinearKernels {
  private final KernelsF32 f32;
  private final KernelsF64 f64;

  SimdLinear(Lifetime lifetime, WorkerPool pool, Arena arena) {
    f32 = new KernelsF32(lifetime, pool, arena);
    f64 = new KernelsF64(lifetime, pool, arena);
  }

  /** {@link LinearAlgebra#cholesky} without memory of a backend, for those that lack a kernel. */
  public static boolean factorize(Tensor a) {
    return a.dtype() == DType.F32 ? CholeskyF32.factorize(a) : CholeskyF64.factorize(a);
  }

  private LinearKernels of(Tensor t) {
    return t.dtype() == DType.F32 ? f32 : f64;
  }

  @Override
  public double dot(Tensor x, Tensor y) {
    return of(x).dot(x, y);
  }

  @Override
  public void axpy(double alpha, Tensor x, Tensor y) {
    of(x).axpy(alpha, x, y);
  }

  @Override
  public void lerp(double share, Tensor x, Tensor y) {
    of(x).lerp(share, x, y);
  }

  @Override
  public double norm2(Tensor x) {
    return of(x).norm2(x);
  }

  @Override
  public double norm1(Tensor x) {
    return of(x).norm1(x);
  }

  @Override
  public boolean isFinite(Tensor x) {
    return of(x).isFinite(x);
  }

  @Override
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    of(a).gemv(transpose, alpha, a, x, beta, y);
  }

  @Override
  public void gemm(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    of(a).gemm(transposeA, transposeB, alpha, a, b, beta, c);
  }

  @Override
  public boolean cholesky(Tensor a) {
    return factorize(a);
  }

  @Override
  public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    of(x).predict(x, first, count, model, out);
  }

  @Override
  public void gradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    of(model.w()).gradient(batch, first, count, loss, model, into);
  }

  @Override
  public void close() {
    f32.close();
    f64.close();
  }
}
