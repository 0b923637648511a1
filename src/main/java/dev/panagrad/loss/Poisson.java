package dev.panagrad.loss;

import java.util.Optional;

/**
 * The negative log likelihood of counts whose means have the logarithm z, without the term {@code
 * log(y!)}, which does not depend on z; it may be negative.
 *
 * <pre>
 *   loss        exp(z) - y z
 *   derivative  exp(z) - y
 * </pre>
 *
 * Its curvature, exp(z), has no bound: a rate that is good near the minimum may be far too long
 * elsewhere.
 *
 * <p>Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 6.
 */
public record Poisson() implements Loss {
  @Override
  public String name() {
    return "poisson";
  }

  @Override
  public String label(String target) {
    return "expected " + target;
  }

  @Override
  public void describeFit(Metrics metrics) {
    metrics
        .mean("deviance", (z, y) -> deviance(y, mean(z)))
        .explained("D2", Poisson::deviance, this::mean);
  }

  /** {@code 2 (y log(y / mean) - (y - mean))}; the first term is 0 where y is. */
  private static double deviance(double y, double mean) {
    return 2 * ((y == 0 ? 0 : y * Math.log(y / mean)) - (y - mean));
  }

  @Override
  public double differentiate(double[] z, double[] y, double[] s, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      if (s[i] == 0) {
        z[i] = 0; // whatever overflows there
        continue;
      }
      double mean = Math.exp(z[i]);
      sum += s[i] * (mean - y[i] * z[i]);
      z[i] = s[i] * (mean - y[i]);
    }
    return sum;
  }

  /** Returns the logarithm of the mean count by exposure; of half a count where there is none. */
  @Override
  public double constant(double[] y, double[] offset, double[] s) {
    double counts = 0;
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < y.length; i++) {
      counts += s[i] * y[i];
      largest = s[i] > 0 ? Math.max(largest, offset[i]) : largest;
    }
    double exposure = 0;
    double heaviest = 0;
    for (int i = 0; i < y.length; i++) {
      exposure += s[i] * Math.exp(Math.min(offset[i] - largest, 0));
      heaviest = Math.max(heaviest, s[i]);
    }
    double found = Math.log(counts > 0 ? counts : heaviest / 2) - Math.log(exposure) - largest;
    return Double.isFinite(found) ? found : 0;
  }

  /** Returns the expected count; infinite for z above 709.78, whose exponential is no double. */
  @Override
  public double mean(double z) {
    return Math.exp(z);
  }

  @Override
  public boolean hasLink() {
    return true;
  }

  @Override
  public double leastCurvature(double z, double y, double way) {
    return Math.exp(z - way);
  }

  @Override
  public double reach() {
    return 1;
  }

  @Override
  public Optional<String> targetRequirement(double y) {
    return y >= 0 ? Optional.empty() : Optional.of("0 or above");
  }
}
