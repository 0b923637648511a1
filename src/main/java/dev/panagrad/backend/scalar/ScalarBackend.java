package dev.panagrad.backend.scalar;

import dev.panagrad.backend.HostBackend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import java.util.Optional;

/** The reference backend. It owns nothing and computes on the calling thread. */
final class ScalarBackend extends HostBackend {
  static final String DETAIL = "reference: plain loops in double precision, 1 thread";

  private final LinearKernels linear = new ScalarLinear(trace());

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public String detail() {
    return DETAIL;
  }

  @Override
  public LinearKernels linear() {
    return linear;
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype) {
    return Optional.of(new DefinitionStep(rule));
  }

  @Override
  public Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format) {
    return Optional.of(new DefinitionStep(rule, format));
  }

  @Override
  public void close() {
    linear.close();
  }
}
