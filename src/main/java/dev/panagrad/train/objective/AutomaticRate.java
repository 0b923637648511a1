package dev.panagrad.train.objective;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RateContext;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.train.rows.TrainingRows;
import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Puts a rule's own rate for these rows into an optimizer, and where gradients are of batches, or
 * steps do not shrink with the gradient, a schedule that decays to zero, if none was set.
 */
public final class AutomaticRate {
  private static final MathContext DIGITS = new MathContext(3); // few, so that backends agree
  private static final int DISTANCE_PASSES = 8; // products for the distance, where each is a pass

  private AutomaticRate() {}

  /** The rate, to three digits; throws if there is no curvature to take it from. */
  public static double choose(
      UpdateRule rule,
      Curvature curvature,
      RowsObjective objective,
      TrainingRows rows,
      long epochs) {
    double largest = curvature.largest();
    if (!(largest > 0)) {
      throw new IllegalArgumentException(
          "no learning rate can be computed: all features are zero, and there is no intercept; give a learning rate");
    }
    double ofBatches = batchCurvature(largest, curvature, objective, rows);
    double distance = distance(curvature, objective);
    double advised =
        rule.automaticRate(new RateContext(largest, ofBatches, distance, steps(rows, epochs)));
    if (!(advised > 0 && advised < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "rule '%s' has no learning rate of its own for these data (%s); give one"
              .formatted(rule.name(), advised));
    }
    return new BigDecimal(advised).round(DIGITS).doubleValue();
  }

  /** The optimizer with its rate; stationary if gradients of batches vanish at the minimum. */
  public static Optimizer.Builder apply(
      Optimizer.Builder options,
      double rate,
      TrainingRows rows,
      long epochs,
      boolean isStationary) {
    UpdateRule rule = options.rule();
    Optimizer.Builder chosen = options.with(rule.withLearningRate(rate));
    return chosen.hasSchedule() || isStationary || rule instanceof GradientDescent
        ? chosen
        : chosen.schedule(Schedule.cosine(steps(rows, epochs), 0));
  }

  private static long steps(TrainingRows rows, long epochs) {
    long stepsPerEpoch = Math.ceilDiv(rows.trained(), rows.stepRows());
    return epochs > Long.MAX_VALUE / stepsPerEpoch ? Long.MAX_VALUE : epochs * stepsPerEpoch;
  }

  /**
   * The expected smoothness of batches of b of n rows, drawn without replacement (Gower et al.
   * 2019, section 3.2), with weights s:
   *
   * <pre>
   *   n (b - 1)             n - b
   *   --------- L   +   ------------- max_i L_i          L_i = 2 s_i |z_i|^2
   *   b (n - 1)           b (n - 1)
   * </pre>
   */
  private static double batchCurvature(
      double largest, Curvature curvature, RowsObjective objective, TrainingRows rows) {
    double n = rows.trained();
    // The last step of an epoch may be on few rows, and is the longest.
    long rest = rows.trained() % rows.stepRows();
    double b = rest == 0 ? rows.stepRows() : rest;
    if (b == n) {
      return largest; // one step on all of them
    }
    double row =
        curvature.factor() * 2 * objective.largestSquaredLength()
            + objective.penalty().gradientFactor();
    return n * (b - 1) / (b * (n - 1)) * largest + (n - b) / (b * (n - 1)) * row;
  }

  /** The largest parameter at the minimum of all outputs' losses, from zero. */
  private static double distance(Curvature curvature, RowsObjective objective) {
    double[] gradient = new double[objective.size()];
    objective.gradientAtZero(gradient);
    double distance = 0;
    double scale = 0;
    for (int j = 0; j < objective.groups(); j++) {
      double[] b = objective.part(gradient, j);
      for (double x : curvature.solve(b, DISTANCE_PASSES, 1e-2)) {
        distance = Math.max(distance, Math.abs(x));
      }
      scale = Math.max(scale, Math.sqrt(objective.loss(j)));
    }
    // A minimum at zero: the rate then hardly matters, and must not be zero.
    return Math.max(distance, 1e-6 * Math.max(scale, 1e-6));
  }
}
