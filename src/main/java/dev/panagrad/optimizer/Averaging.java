package dev.panagrad.optimizer;

import dev.panagrad.rule.Checks;

/**
 * Keeps a mean of the parameters of all steps so far beside them: steps of constant length scatter
 * around the minimum, and their mean lies nearer to it. Both kinds are one running mean, {@code
 * average += share_t (w_t - average)}.
 */
public final class Averaging {
  private final double decay;
  private final long firstStep;

  private Averaging(double decay, long firstStep) {
    this.decay = decay;
    this.firstStep = firstStep;
  }

  /**
   * Keeps the exponential moving average {@code sum_s decay^(t-s) w_s} with decay in (0, 1),
   * divided by the sum of its factors, so that the parameters before the first step have no part in
   * it: {@code share_t = (1 - decay) / (1 - decay^t)}. It remembers about {@code 1 / (1 - decay)}
   * steps. The division is Adam's correction of its means (Kingma and Ba 2015, section 3).
   */
  public static Averaging ema(double decay) {
    return new Averaging(Checks.openFraction("decay of the average", decay), 0);
  }

  /**
   * Keeps the mean of the parameters after all steps from the first on, which counts from 1:
   * share_t = 1 / (t - first + 1); before it, the average is the parameters. For strongly convex
   * losses and rates that decay slower than 1/t its error falls as fast as any method's can that
   * sees the same rows (Polyak and Juditsky 1992, Acceleration of stochastic approximation by
   * averaging; Ruppert 1988). Leave out what forgets where training began, such as its first half.
   */
  public static Averaging polyakRuppert(long first) {
    return new Averaging(Double.NaN, Checks.count("first step of the average", first));
  }

  /** Returns the step from which a mean is kept; 0 for an exponential average. */
  public long firstStep() {
    return firstStep;
  }

  /** The part of the parameters after a step, from 1, in the average after it. */
  double share(long step) {
    if (firstStep == 0) {
      return (1 - decay) / -Math.expm1(step * Math.log(decay));
    }
    return step <= firstStep ? 1 : 1.0 / (step - firstStep + 1);
  }

  @Override
  public String toString() {
    return firstStep == 0 ? "EMA of decay " + decay : "mean of the steps from " + firstStep;
  }
}
