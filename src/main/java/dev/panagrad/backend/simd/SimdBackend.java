package dev.panagrad.backend.simd;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** The Vector API backend: owns its worker threads and scratch memory. */
final class SimdBackend extends HostBackend {
  private final WorkerPool pool;
  private final Arena arena = Arena.ofShared();
  private final PaddedBuffers padded = new PaddedBuffers(arena);
  private final SimdLinear linear;
  private final AtomicBoolean closed = new AtomicBoolean();

  SimdBackend(BackendOptions options) {
    pool = new WorkerPool("panagrad-simd", options.threads());
    linear = new SimdLinear(trace(), pool, arena);
  }

  static String describe() {
    return SimdWidth.BITS + "-bit vectors, " + (VmFacts.hasFma() ? "fma" : "no fma");
  }

  @Override
  public String name() {
    return "simd";
  }

  @Override
  public String detail() {
    return describe() + ", " + pool.threads() + (pool.threads() == 1 ? " thread" : " threads");
  }

  @Override
  public LinearKernels linear() {
    return linear;
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype) {
    boolean f32 = dtype == DType.F32;
    return switch (rule) {
      case GradientDescent _ ->
          Optional.of(f32 ? new DescentStepF32(pool, padded) : new DescentStepF64(pool, padded));
      case Sgd sgd when !sgd.hasMomentum() ->
          Optional.of(f32 ? new DescentStepF32(pool, padded) : new DescentStepF64(pool, padded));
      case Sgd sgd ->
          Optional.of(
              f32
                  ? new MomentumStepF32(sgd, pool, padded)
                  : new MomentumStepF64(sgd, pool, padded));
      case Adam adam ->
          Optional.of(
              f32 ? new AdamStepF32(adam, pool, padded) : new AdamStepF64(adam, pool, padded));
      case RmsProp rmsProp ->
          Optional.of(
              f32
                  ? new RmsPropStepF32(rmsProp, pool, padded)
                  : new RmsPropStepF64(rmsProp, pool, padded));
      default -> Optional.empty();
    };
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      pool.close();
      linear.close();
      arena.close();
    }
  }
}
