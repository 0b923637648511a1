package dev.panagrad.train.online;

import dev.panagrad.loss.Loss;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RateContext;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;

/**
 * The learning rate of a stream, from the curvature of its rows and from how fast it forgets.
 *
 * <p>The loss of a row x, with a 1 for the intercept, has curvature at most {@code c |x|^2} for the
 * loss's largest second derivative c, all of it along x. Q is the largest running mean of {@code
 * |x|^2}, so that {@code L = c Q} is what a rule's own rate is for: {@code 1 / (2 L)} for SGD, with
 * which a step halves the residual of a row of mean length and overshoots none of twice that
 * length. The d coefficients share the trace of the mean curvature, which is at most L: one has L /
 * d.
 *
 * <p>With a forgetting factor f the newest row has the share 1 / n of all, {@code n = 1 + f n'},
 * which falls from 1 to 1 - f. A rate of 1 / (n h) averages rows with weights f^age where the
 * curvature is h: the recursive mean. With h = L / d that is {@code 2 d / n} of SGD's own rate, and
 * no more than all of it is taken; with f = 1 all rows count alike and rates fall as 1 / n (Robbins
 * and Monro 1951). A rate that was given is divided by n.
 *
 * <p>Sources: Gower et al. (2019), SGD: general analysis and improved rates, for the rate of a
 * rule; Haykin, Adaptive Filter Theory (2014), sections 7.1 and 10.2, for steps by |x|^2 and
 * forgetting.
 */
public final class RunningRate {
  private static final double MEAN_SHARE = 1e-2;
  private static final double USUAL_FORGETTING = 0.999;
  private final double ruleRate;
  private final double own; // the rule's rate for a curvature of 1; NaN if the given rate is taken
  private final double curvature;
  private final double forgetting;
  private final double coefficients;
  private final double start; // rows that the model to start from counts as
  private double n;
  private double rows;
  private double mean;
  private double largest;

  private RunningRate(
      UpdateRule rule,
      double own,
      double curvature,
      double forgetting,
      double coefficients,
      boolean isStarted) {
    this.ruleRate = rule.learningRate();
    this.own = own;
    this.curvature = curvature;
    this.forgetting = forgetting;
    this.coefficients = coefficients;
    start = isStarted ? 1 / (1 - Math.min(forgetting, USUAL_FORGETTING)) : 0;
    n = start;
  }

  /**
   * The rate of a rule.
   *
   * @param forgetting in (0, 1]; NaN if none was given
   * @param isStarted whether a model is gone on from, which counts as the rows that are remembered,
   *     1 / (1 - forgetting), and at most 1,000
   * @return null if the rate stays as it is
   * @throws IllegalArgumentException if it is to be automatic, and rule or loss have no such rate
   */
  public static RunningRate of(
      UpdateRule rule,
      Loss loss,
      boolean isAutomatic,
      double forgetting,
      long coefficients,
      boolean isStarted) {
    if (!isAutomatic) {
      return Double.isNaN(forgetting)
          ? null
          : new RunningRate(rule, Double.NaN, 1, forgetting, 1, isStarted);
    }
    if (!(rule instanceof Sgd || rule instanceof GradientDescent)) {
      throw new IllegalArgumentException(
          "an automatic rate of a stream is for sgd and gd, whose steps shrink with the gradient, found rule '%s'; give it a learning rate"
              .formatted(rule.name()));
    }
    if (!Double.isFinite(loss.curvature())) {
      throw new IllegalArgumentException(
          "loss '%s' has no largest curvature to take a learning rate from; give one"
              .formatted(loss.name()));
    }
    double own = rule.automaticRate(new RateContext(1, 1, 1, 1));
    double factor = Double.isNaN(forgetting) ? USUAL_FORGETTING : forgetting;
    return new RunningRate(rule, own, loss.curvature(), factor, coefficients, isStarted);
  }

  /** Sets the rate of the next step, on rows of that mean square length. */
  public void prepare(Optimizer optimizer, double squaredLength) {
    n = 1 + forgetting * n;
    double rate = ruleRate / n;
    if (isAutomatic()) {
      rows++;
      mean += Math.max(1 / rows, MEAN_SHARE) * (squaredLength - mean);
      largest = Math.max(largest, mean);
      double length = Math.max(Math.max(largest, squaredLength), Double.MIN_NORMAL);
      rate = own * Math.min(1, 2 * coefficients / n) / (curvature * length);
    }
    optimizer.scaleRate(rate / ruleRate / optimizer.rateFactor());
  }

  public boolean isAutomatic() {
    return !Double.isNaN(own);
  }

  /** Forgets all rows. */
  public void reset() {
    n = start;
    rows = mean = largest = 0;
  }

  /** What it remembers. */
  public double[] memory() {
    return new double[] {n, rows, mean, largest};
  }

  public void restore(double[] memory) {
    n = memory[0];
    rows = memory[1];
    mean = memory[2];
    largest = memory[3];
  }
}
