package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.backend.scalar.ScalarBackend;
import dev.panagrad.backend.simd.SimdBackend;
import dev.panagrad.backend.simd.SimdProvider;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import java.util.Optional;
import java.util.function.IntConsumer;

/** OpenBLAS for products, and another host backend for what BLAS does not offer. */
final class OpenBlasBackend extends HostBackend {
  static final String NAME = "openblas";

  private final OpenBlasLibrary library;
  private final HostBackend host;
  private final WorkerPool pool;
  private final LinearAlgebra linear;

  OpenBlasBackend(OpenBlasLibrary library, BackendOptions options) {
    super(new Lifetime(NAME));
    this.library = library;
    // Threads of the host kernels and of products do not run at the same time; idle ones are
    // parked.
    pool = new WorkerPool(lifetime(), options.threads());
    if (new SimdProvider().probe() instanceof Availability.Available) {
      SimdBackend simd;
      try {
        simd = new SimdBackend(lifetime(), options);
      } catch (Throwable e) {
        pool.close();
        throw e;
      }
      host = simd;
      linear = skin(simd.kernels(DType.F32), simd.kernels(DType.F64), false);
    } else {
      ScalarBackend scalar = new ScalarBackend(lifetime());
      host = scalar;
      linear = skin(scalar.kernels(), scalar.kernels(), true);
    }
  }

  private LinearAlgebra skin(LinearKernels f32, LinearKernels f64, boolean isReference) {
    return new LinearAlgebra(
        lifetime(),
        f32,
        f64,
        new OpenBlasProducts(f32, isReference, pool),
        new OpenBlasProducts(f64, isReference, pool),
        trace());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String detail() {
    return "%s; %d %s above it; other kernels: %s"
        .formatted(
            library.describe(),
            pool.threads(),
            pool.threads() == 1 ? "thread" : "threads",
            host.name());
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
    return host.step(rule, dtype, format);
  }

  @Override
  public void close() {
    lifetime().end();
    pool.close();
    host.close();
  }
}
