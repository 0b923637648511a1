package dev.panagrad.train;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.UpdateRule;
import java.util.List;

/**
 * An L1 penalty is stated for targets in raw units: a target divided by its scale takes that much
 * less, and all targets need one scale, so that one strength is right for all of them.
 */
final class StandardizedPenalty {
  private StandardizedPenalty() {}

  /** The scales that a training with that penalty uses. */
  static Standardization scales(Standardization fit, Penalty penalty) {
    return penalty.l1() > 0 ? fit.withCommonTargetScale() : fit;
  }

  /** The optimizer for targets in those scales. */
  static Optimizer.Builder optimizer(Optimizer.Builder options, Standardization scales) {
    double scale = scales.targetScale(0);
    List<ParameterGroup> groups =
        options.groups().stream()
            .map(g -> g.penalty() == null ? g : g.penalty(scaled(g.penalty(), scale)))
            .toList();
    return options.withGroups(groups).penalty(scaled(options.penalty(), scale));
  }

  private static Penalty scaled(Penalty penalty, double scale) {
    return new Penalty(penalty.l1() / scale, penalty.l2());
  }

  /**
   * What such an optimizer minimizes beside the loss: the penalty of the weights, and decay of
   * their gradient.
   */
  static Penalty objective(Optimizer.Builder optimizer) {
    ParameterGroup group = optimizer.groupOf(LinearRegression.WEIGHTS);
    Penalty penalty = group.penalty() == null ? optimizer.penalty() : group.penalty();
    UpdateRule rule = optimizer.rule();
    double decay = Double.isNaN(group.weightDecay()) ? rule.weightDecay() : group.weightDecay();
    return new Penalty(penalty.l1(), penalty.l2() + (rule.isDecayDecoupled() ? 0 : decay / 2));
  }
}
