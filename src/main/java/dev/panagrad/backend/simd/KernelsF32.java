package dev.panagrad.backend.simd;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;

/** The kernels of one element type. */
final class KernelsF32 extends VectorKernelsF32 {
  private final WorkerPool pool;
  private final RowSumsF32 sums;
  private final RowProductsF32 products;
  private final GemmF32 gemm;
  private final OutputPanelsF32 panels;

  KernelsF32(Lifetime lifetime, WorkerPool pool, Arena arena) {
    this.pool = pool;
    sums = new RowSumsF32(pool, arena);
    products = new RowProductsF32(lifetime, pool, arena);
    gemm = new GemmF32(lifetime, pool);
    panels = new OutputPanelsF32(pool, gemm);
  }

  @Override
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    if (transpose == Transpose.YES) {
      sums.transposedProduct(alpha, a, x, beta, y);
    } else {
      products.apply(alpha, a, 0, a.rows(), x, null, beta, y);
    }
  }

  @Override
  public void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    gemm.apply(opA, opB, alpha, a, b, beta, c);
  }

  @Override
  public void syrk(double alpha, Tensor a, double beta, Tensor c) {
    gemm.symmetric(alpha, a, beta, c);
  }

  @Override
  public boolean cholesky(Tensor a) {
    return CholeskyF32.factorize(a);
  }

  @Override
  public void triangularize(Tensor r, Tensor blocks) {
    Householder.triangularize(pool, r, blocks);
  }

  @Override
  public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    products.apply(1, x, first, count, model.w(), model.b(), 0, out);
  }

  @Override
  public void gradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    boolean isPlain = loss instanceof Squared && batch.rows().isPlain();
    if (isPlain && model.outputs() >= OutputPanelsF32.MIN_OUTPUTS) {
      panels.gradient(batch, first, count, model, into);
    } else {
      sums.gradient(batch, first, count, loss, model, into);
    }
  }

  /** The fused step of a rule, or null if there is none. */
  FusedStepF32 step(UpdateRule rule, StepBuffers buffers) {
    return switch (rule) {
      case GradientDescent _ -> new DescentStepF32(pool, buffers);
      case Sgd sgd when !sgd.hasMomentum() -> new DescentStepF32(pool, buffers);
      case Sgd sgd when sgd.nesterov() -> new NesterovStepF32(pool, buffers);
      case Sgd _ -> new MomentumStepF32(pool, buffers);
      case Adam adam when adam.amsgrad() -> new AmsGradStepF32(pool, buffers);
      case Adam _ -> new AdamStepF32(pool, buffers);
      case RmsProp rms when rms.centered() && rms.hasMomentum() ->
          new CenteredMomentumRmsPropStepF32(pool, buffers);
      case RmsProp rms when rms.centered() -> new CenteredRmsPropStepF32(pool, buffers);
      case RmsProp rms when rms.hasMomentum() -> new MomentumRmsPropStepF32(pool, buffers);
      case RmsProp _ -> new RmsPropStepF32(pool, buffers);
      default -> null;
    };
  }

  @Override
  public void close() {
    products.close();
    gemm.close();
    sums.close();
    panels.close();
  }
}
