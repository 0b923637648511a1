package dev.panagrad.backend.simd;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/** The Vector API backend: owns its worker threads and scratch memory. */
public final class SimdBackend extends HostBackend {
  static final String NAME = "simd";

  private final WorkerPool pool;
  private final Arena arena = Arena.ofShared();
  private final StepBuffers buffers;
  private final KernelsF32 f32;
  private final KernelsF64 f64;
  private final LinearAlgebra linear;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Opens it, for itself or as a part of another backend whose lifetime that is. */
  public SimdBackend(Lifetime lifetime, BackendOptions options) {
    super(lifetime);
    pool = new WorkerPool(lifetime, options.threads());
    try {
      buffers = new StepBuffers(lifetime, arena, pool.threads());
      f32 = new KernelsF32(lifetime, pool, arena);
      f64 = new KernelsF64(lifetime, pool, arena);
    } catch (Throwable e) {
      pool.close();
      arena.close();
      throw e;
    }
    linear = new LinearAlgebra(lifetime, f32, f64, trace());
  }

  /** The kernels of a type without their skin, for another backend. */
  public LinearKernels kernels(DType dtype) {
    return dtype == DType.F32 ? f32 : f64;
  }

  /** {@link LinearAlgebra#cholesky} without memory of a backend, for those that lack a kernel. */
  public static boolean factorize(Tensor a) {
    return a.dtype() == DType.F32 ? CholeskyF32.factorize(a) : CholeskyF64.factorize(a);
  }

  /** {@link LinearAlgebra#triangularize} likewise. */
  public static void triangularize(Tensor r, Tensor blocks) {
    Householder.triangularize(null, r, blocks);
  }

  static String describe() {
    return SimdWidth.BITS + "-bit vectors";
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String detail() {
    return describe() + ", " + pool.threads() + (pool.threads() == 1 ? " thread" : " threads");
  }

  @Override
  public LinearAlgebra linear() {
    return linear;
  }

  @Override
  public void share(int parts, IntConsumer part) {
    pool.run((i, _) -> part.accept(i), parts);
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    if (dtype == DType.F64) {
      return Optional.ofNullable(format == StateFormat.SAME ? f64.step(rule, buffers) : null);
    }
    FusedStepF32 kernel = f32.step(rule, buffers);
    if (format == StateFormat.SAME || kernel == null || rule.slots().isEmpty()) {
      // Without state there is nothing to keep in another format.
      return Optional.ofNullable(kernel);
    }
    if (format == StateFormat.INT8_BLOCKWISE) {
      Block8Codec codec = new Block8Codec(rule);
      return Optional.ofNullable(updateBlock8(rule))
          .map(update -> new Block8Step(update, codec, kernel, pool, buffers));
    }
    return Optional.ofNullable(updateBf16(rule))
        .map(update -> new Bf16Step(update, rule.slots().size(), kernel, pool, buffers));
  }

  private static Bf16Update updateBf16(UpdateRule rule) {
    return switch (rule) {
      case Sgd sgd when sgd.nesterov() -> new NesterovStepBf16();
      case Sgd _ -> new MomentumStepBf16();
      case Adam adam when adam.amsgrad() -> new AmsGradStepBf16();
      case Adam _ -> new AdamStepBf16();
      // Refuses rounded state.
      case RmsProp rms when rms.centered() -> null;
      case RmsProp rms when rms.hasMomentum() -> new MomentumRmsPropStepBf16();
      case RmsProp _ -> new RmsPropStepBf16();
      default -> null;
    };
  }

  private static Block8Update updateBlock8(UpdateRule rule) {
    return switch (rule) {
      case Sgd sgd when sgd.nesterov() -> new NesterovStepBlock8();
      case Sgd _ -> new MomentumStepBlock8();
      case Adam adam when adam.amsgrad() -> null;
      case Adam _ -> new AdamStepBlock8();
      case RmsProp rms when rms.centered() -> null;
      case RmsProp rms when rms.hasMomentum() -> new MomentumRmsPropStepBlock8();
      case RmsProp _ -> new RmsPropStepBlock8();
      default -> null;
    };
  }

  @Override
  public void close() {
    lifetime().end();
    if (closed.compareAndSet(false, true)) {
      // Whoever has the turn finishes first, and nobody takes it after that.
      pool.close();
      f32.close();
      f64.close();
      buffers.close();
      arena.close();
    }
  }
}
