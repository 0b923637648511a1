package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** OpenBLAS for products, and another host backend for what BLAS does not offer. */
final class OpenBlasBackend extends HostBackend {
  static final String NAME = "openblas";

  private final OpenBlasLibrary library;
  private final Backend host;
  private final WorkerPool pool;
  private final LinearKernels linear;
  private final AtomicBoolean closed = new AtomicBoolean();

  OpenBlasBackend(OpenBlasLibrary library, BackendOptions options) {
    this.library = library;
    // Threads of the host kernels and of products do not run at the same time; idle ones are
    // parked.
    host = Backends.openHost(options);
    pool = new WorkerPool("panagrad-openblas", options.threads());
    linear = new OpenBlasLinear(trace(), host, host.name().equals("scalar"), pool);
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
  public LinearKernels linear() {
    return linear;
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype) {
    return host.step(rule, dtype);
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    return host.step(rule, dtype, format);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      pool.close();
      linear.close();
    }
  }
}
