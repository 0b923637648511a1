package dev.panagrad.train;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.UpdateRule;

/**
 * An L1 penalty is stated for targets in raw units: a target divided by its scale takes that much
 * less, and all targets need one scale, so that one strength is right for all of them.
 */
final class StandardisedPenalty {
  private StandardisedPenalty() {}

  /** The scales that a training with that penalty uses. */
  static Standardization scales(Standardization fit, Penalty penalty) {
    return penalty.l1() > 0 ? fit.withCommonTargetScale() : fit;
  }

  /** The optimizer for targets in those scales. */
  static Optimizer.Builder optimizer(Optimizer.Builder options, Standardization scales) {
    Penalty penalty = options.penalty();
    double scale = scales.targetScale(0);
    return options.copy().penalty(new Penalty(penalty.l1() / scale, penalty.l2()));
  }

  /** What such an optimizer minimises beside the loss: its penalty, and decay of the gradient. */
  static Penalty objective(Optimizer.Builder optimizer) {
    Penalty penalty = optimizer.penalty();
    UpdateRule rule = optimizer.rule();
    double decay = rule.isDecayDecoupled() ? 0 : rule.weightDecay() / 2;
    return new Penalty(penalty.l1(), penalty.l2() + decay);
  }
}
