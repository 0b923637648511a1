package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.List;
import java.util.Optional;

/**
 * Holds an optimizer's mathematics: validated hyper-parameters, the coefficients of a step, and the
 * update of one element. It runs on every backend with host memory through {@link #update}; a
 * backend may provide a fused kernel. Implementations are immutable and may be shared between
 * threads.
 */
public interface UpdateRule {
  /** Returns the name that reports use. */
  String name();

  /** Returns the base learning rate; a schedule turns it into the rate of each step. */
  double learningRate();

  UpdateRule withLearningRate(double newLearningRate);

  /**
   * Returns the base learning rate for a training of which this is known; NaN if the rule knows
   * none. With gradients of batches it is meant for a schedule that decays to zero.
   */
  default double automaticRate(RateContext advice) {
    return Double.NaN;
  }

  /** Names the state vectors, of the parameters' size and type, zero before the first step. */
  List<String> slots();

  /**
   * True if that state vector is never negative, as a mean of squares is. A compact {@link
   * StateFormat} keeps such a number at 0 only if it is 0; others it may round to 0, so that a
   * vector which the update divides by must be one of these.
   */
  default boolean isNonNegative(int slot) {
    return false;
  }

  /** Says why the rule does not work with state in that format; empty if it does. */
  default Optional<String> unsupportedReason(StateFormat format) {
    return Optional.empty();
  }

  /** Says why the rule cannot step that type, as where an epsilon is 0 in it; empty if it can. */
  default Optional<String> unsupportedReason(DType dtype) {
    return Optional.empty();
  }

  /** Says why no proximal map rests at a minimum of loss plus L1 penalty; empty if one does. */
  default Optional<String> unsupportedL1Reason() {
    return Optional.empty();
  }

  /** Returns the decay, coupled or decoupled, of parameters that are not exempt; 0 for none. */
  default double weightDecay() {
    return 0;
  }

  /** True if weight decay shrinks the parameter directly and is not added to the gradient. */
  default boolean isDecayDecoupled() {
    return false;
  }

  /**
   * Writes {@link StepCoefficients#own} and {@link StepCoefficients#l1Step} for one step, counted
   * from 1; the common fields are set. The L1 penalty is 0 if there is none or {@link
   * #unsupportedL1Reason} says why.
   */
  void coefficients(long step, double rate, double l1, StepCoefficients into);

  /**
   * Returns the new value of a parameter p with raw gradient g and state s, one number per slot,
   * which is updated in place.
   */
  double update(double p, double g, double[] s, StepCoefficients c);
}
