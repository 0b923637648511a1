package dev.panagrad.optimizer;

/** Says what a step does with an infinite or NaN element of a gradient, which is never replaced. */
public enum NonFinitePolicy {
  /** Uses it, uninspected; parameters and state become what arithmetic makes of them. */
  PROPAGATE,
  /** Leaves parameters, state and the step count as they are, and counts the skipped step. */
  SKIP,
  /** Throws {@link ArithmeticException} before anything changes. */
  THROW
}
