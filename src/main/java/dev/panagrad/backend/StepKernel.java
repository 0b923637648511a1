package dev.panagrad.backend;

import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;

/**
 * Makes one optimizer step over a range of the flat parameters: one pass, in place, the same
 * arguments for every rule. The optimizer has checked types, shapes, aliasing and liveness.
 */
@FunctionalInterface
public interface StepKernel {
  /**
   * Updates {@code count} parameters from the {@code first} and their state. State in a compact
   * format is rounded anew in all blocks that the range touches.
   *
   * @param p flat parameters
   * @param g their raw gradient, only read
   * @param slots the rule's state vectors, in the order of {@link
   *     dev.panagrad.rule.UpdateRule#slots}, each as the tensors of its {@link
   *     dev.panagrad.rule.StateFormat}
   */
  void apply(Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c);

  /**
   * Updates all parameters: those before {@code split} with one set of numbers, the others with
   * another. Either part may be empty.
   */
  default void applyAll(
      Tensor p,
      Tensor g,
      Tensor[] slots,
      long split,
      StepCoefficients penalized,
      StepCoefficients exempt) {
    if (split > 0) {
      apply(p, g, slots, 0, split, penalized);
    }
    if (split < p.count()) {
      apply(p, g, slots, split, p.count() - split, exempt);
    }
  }

  /**
   * Takes over clipping by norm for the next {@link #applyAll}, by the factor that {@code
   * Optimizer.Builder.clipNorm} documents: the norm is computed where the step is, and the host
   * does not wait for it. Returns false if the caller has to compute the norm and scale the
   * gradient.
   */
  default boolean clipNorm(Tensor g, double bound) {
    return false;
  }
}
