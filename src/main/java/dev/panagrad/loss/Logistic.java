package dev.panagrad.loss;

import java.util.Optional;

/**
 * The negative log likelihood of targets 0 and 1 whose log odds are z, in nats.
 *
 * <pre>
 *   loss        log(1 + exp(z)) - y z
 *   derivative  1 / (1 + exp(-z)) - y
 * </pre>
 *
 * Both are computed from {@code exp(-|z|)}, which does not overflow. Where a plane separates the
 * classes there is no minimum: parameters grow without bound, unless a penalty holds them.
 *
 * <p>Source: Cox (1958), The regression analysis of binary sequences; Hastie, Tibshirani and
 * Friedman (2009), section 4.4.
 */
public record Logistic() implements Loss {
  @Override
  public String name() {
    return "logistic";
  }

  @Override
  public String label(String target) {
    return "probability of " + target;
  }

  @Override
  public void describeFit(Metrics metrics) {
    metrics
        .mean("accuracy", (z, y) -> (z >= 0) == (y == 1) ? 1 : 0)
        .meanLoss("log loss", this)
        .areaUnderCurve("AUC");
  }

  @Override
  public boolean hasClasses() {
    return true;
  }

  @Override
  public double differentiate(double[] z, double[] y, double[] s, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double e = Math.exp(-Math.abs(z[i]));
      double p = (z[i] >= 0 ? 1 : e) / (1 + e);
      sum += s[i] * (Math.max(z[i], 0) - y[i] * z[i] + Math.log1p(e));
      z[i] = s[i] * (p - y[i]);
    }
    return sum;
  }

  /** Returns the probability of 1. */
  @Override
  public double mean(double z) {
    double e = Math.exp(-Math.abs(z));
    return (z >= 0 ? 1 : e) / (1 + e);
  }

  /** Returns the log odds of the mean, of half a row where all are of one class. */
  @Override
  public double constant(double[] y, double[] offset, double[] s) {
    double[] sums = new double[2];
    double heaviest = 0;
    double offsets = 0;
    for (int i = 0; i < y.length; i++) {
      sums[y[i] == 0 ? 0 : 1] += s[i];
      heaviest = Math.max(heaviest, s[i]);
      offsets += s[i] * offset[i];
    }
    double odds = Math.max(sums[1], heaviest / 2) / Math.max(sums[0], heaviest / 2);
    double found = Math.log(odds) - offsets / (sums[0] + sums[1]);
    return Double.isFinite(found) ? found : 0;
  }

  @Override
  public boolean hasLink() {
    return true;
  }

  @Override
  public double curvature() {
    return 0.25;
  }

  /** Returns {@code p (1 - p)}, which falls with the distance from 0. */
  @Override
  public double leastCurvature(double z, double y, double way) {
    double e = Math.exp(-Math.abs(z) - way);
    return e / ((1 + e) * (1 + e));
  }

  @Override
  public double reach() {
    return 1;
  }

  @Override
  public Optional<String> targetRequirement(double y) {
    return y == 0 || y == 1 ? Optional.empty() : Optional.of("0 or 1");
  }
}
