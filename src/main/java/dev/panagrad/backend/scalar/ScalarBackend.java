package dev.panagrad.backend.scalar;

import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import java.util.Optional;

/** The reference backend. It owns nothing and computes on the calling thread. */
public final class ScalarBackend extends HostBackend {
  static final String NAME = "scalar";
  static final String DETAIL = "reference: plain loops in double precision, 1 thread";

  private final LinearKernels kernels = new ScalarLinear();
  private final LinearAlgebra linear;

  /** Opens it, for itself or as a part of another backend whose lifetime that is. */
  public ScalarBackend(Lifetime lifetime) {
    super(lifetime);
    linear = new LinearAlgebra(lifetime, kernels, kernels, trace());
  }

  /** The kernels without their skin, for another backend. */
  public LinearKernels kernels() {
    return kernels;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String detail() {
    return DETAIL;
  }

  @Override
  public LinearAlgebra linear() {
    return linear;
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    return Optional.of(new DefinitionStep(rule, format));
  }

  @Override
  public void close() {
    lifetime().end();
  }
}
