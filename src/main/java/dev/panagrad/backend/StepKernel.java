package dev.panagrad.backend;

import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;

/**
 * One optimizer step over a range of the flat parameters: one pass, in place, the same arguments
 * for every rule. The optimizer has checked types, shapes, aliasing and liveness.
 */
@FunctionalInterface
public interface StepKernel {
  /**
   * Updates parameters and state.
   *
   * @param p flat parameters
   * @param g their raw gradient, only read
   * @param slots the rule's state vectors, in the order of {@link
   *     dev.panagrad.rule.UpdateRule#slots}
   * @param first first element of the range
   * @param count elements in the range
   * @param c the numbers of this step
   */
  void apply(Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c);
}
