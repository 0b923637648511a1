package dev.panagrad.random;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.ParameterGroup;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;

/** The numbers that a step is to use for a parameter, written out once more. */
final class StepNumbers {
  private StepNumbers() {}

  /** The factor of a gradient that is clipped by its norm; 1 if it is short enough. */
  static double clipFactor(double[] gradient, double bound) {
    double squares = 0;
    for (double g : gradient) {
      squares += g * g;
    }
    double factor = bound / (Math.sqrt(squares) + 1e-6);
    return factor >= 1 ? 1 : factor;
  }

  /** Of the last step of an optimizer, for the parameter of that name. */
  static StepCoefficients of(
      Optimizer optimizer, OptimizerOptions options, String name, double clipFactor) {
    Parameters parameters = optimizer.parameters();
    Tensor flat = parameters.flat();
    Tensor view = parameters.view(name);
    long first = (view.byteOffset() - flat.byteOffset()) / flat.dtype().bytes();
    boolean isExempt = first >= parameters.penalizedCount();
    UpdateRule rule = optimizer.rule();
    ParameterGroup group = options.builder().groupOf(name);
    double decay = Double.isNaN(group.weightDecay()) ? rule.weightDecay() : group.weightDecay();
    Penalty penalty = group.penalty() == null ? optimizer.penalty() : group.penalty();
    if (isExempt) {
      decay = 0;
      penalty = Penalty.none();
    }
    double rate = optimizer.lastLearningRate() * group.rateFactor();
    StepCoefficients c = new StepCoefficients(flat.dtype());
    c.step = optimizer.steps();
    c.gradientScale = options.isMaximizing() ? -clipFactor : clipFactor;
    c.clipValue = options.clipValue();
    boolean isDecoupled = rule.isDecayDecoupled();
    c.coupledDecay = (isDecoupled ? 0 : decay) + 2 * penalty.l2();
    c.shrink = isDecoupled ? 1 - rate * decay : 1;
    rule.coefficients(c.step, rate, penalty.l1(), c);
    return c;
  }
}
