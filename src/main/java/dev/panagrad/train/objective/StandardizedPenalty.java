package dev.panagrad.train.objective;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.UpdateRule;
import java.util.List;

/**
 * L1 strengths refer to raw target units. Training divides targets by their scale, so the strength
 * is divided too; several targets share one scale, so that one strength fits all.
 */
public final class StandardizedPenalty {
  private StandardizedPenalty() {}

  public static Standardization scales(Standardization fit, Penalty penalty) {
    return penalty.l1() > 0 ? fit.withCommonTargetScale() : fit;
  }

  public static Optimizer.Builder optimizer(
      Optimizer.Builder options, Standardization scales, int degree) {
    List<ParameterGroup> groups =
        options.groups().stream()
            .map(g -> g.penalty() == null ? g : g.penalty(scaled(g.penalty(), scales, degree)))
            .toList();
    return options.withGroups(groups).penalty(scaled(options.penalty(), scales, degree));
  }

  /** A penalty beside a loss of that degree, which is divided by that power of the scale. */
  public static Penalty scaled(Penalty penalty, Standardization scales, int degree) {
    double scale = scales.targetScale(0);
    return degree == 1
        ? new Penalty(penalty.l1(), penalty.l2() * scale)
        : new Penalty(penalty.l1() / scale, penalty.l2());
  }

  /** What such an optimizer minimizes beside the loss: the penalty and coupled decay of weights. */
  public static Penalty objective(Optimizer.Builder optimizer) {
    ParameterGroup group = optimizer.groupOf(LinearRegression.WEIGHTS);
    Penalty penalty = group.penalty() == null ? optimizer.penalty() : group.penalty();
    UpdateRule rule = optimizer.rule();
    double decay = Double.isNaN(group.weightDecay()) ? rule.weightDecay() : group.weightDecay();
    return new Penalty(penalty.l1(), penalty.l2() + (rule.isDecayDecoupled() ? 0 : decay / 2));
  }
}
