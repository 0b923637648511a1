package dev.panagrad.backend;

import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.EnumSet;
import java.util.Set;

/** A backend that computes in host memory uses tensors where they are. */
public abstract class HostBackend implements Backend {
  private final StepTrace trace = new StepTrace();
  private final Lifetime lifetime;

  /** Starts counters at zero. The lifetime ends when {@link #close} is called. */
  protected HostBackend(Lifetime lifetime) {
    this.lifetime = lifetime;
  }

  /** Returns the lifetime that everything handed out shares. */
  protected final Lifetime lifetime() {
    return lifetime;
  }

  @Override
  public final boolean usesHostMemory() {
    return true;
  }

  @Override
  public final Tensor allocate(TensorArena arena, String name, DType dtype, Shape shape) {
    return arena.allocate(name, dtype, shape);
  }

  @Override
  public final Tensor place(TensorArena arena, Tensor tensor) {
    tensor.requireHost();
    return tensor;
  }

  @Override
  public final void copy(Tensor from, Tensor to) {
    to.requireDType(from.dtype());
    to.copyFrom(from);
    trace.countCopy(from.count() * from.dtype().bytes());
  }

  /** Returns all formats: a rule without a kernel has its scalar definition. */
  @Override
  public final Set<StateFormat> stateFormats() {
    return EnumSet.allOf(StateFormat.class);
  }

  @Override
  public final StepTrace trace() {
    return trace;
  }
}
