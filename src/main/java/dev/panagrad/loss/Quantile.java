package dev.panagrad.loss;

import dev.panagrad.rule.Checks;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The pinball loss, whose minimum is the conditional quantile: the part tau of the targets is below
 * the prediction. With tau = 0.5 it is half of the absolute error.
 *
 * <pre>
 *   loss        tau (y - z)         y >= z
 *               (1 - tau) (z - y)   otherwise
 *   derivative  -tau  or  1 - tau;  0 is taken where y = z, which has none
 * </pre>
 *
 * Its subgradients do not shrink near the minimum, so that rates must.
 *
 * <p>Source: Koenker and Bassett (1978), Regression quantiles.
 *
 * @param tau in (0, 1)
 */
public record Quantile(double tau) implements Loss {
  public Quantile {
    Checks.openFraction("tau", tau);
  }

  @Override
  public String name() {
    return "quantile";
  }

  @Override
  public String text() {
    return name() + ":" + tau;
  }

  @Override
  public void describeFit(Metrics metrics) {
    metrics.meanLoss("pinball loss", this).mean("share below", (z, y) -> y < z ? 1 : 0);
  }

  @Override
  public double differentiate(double[] z, double[] y, double[] s, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double r = z[i] - y[i];
      double slope = r > 0 ? 1 - tau : -tau;
      sum += s[i] * slope * r;
      z[i] = r == 0 ? 0 : s[i] * slope;
    }
    return sum;
  }

  @Override
  public int degree() {
    return 1;
  }

  @Override
  public boolean isSmooth() {
    return false;
  }

  @Override
  public double constant(double[] y, double[] offset, double[] s) {
    return quantile(tau, y, offset, s);
  }

  /** The smallest residual that this part of the weights is not above. */
  static double quantile(double tau, double[] y, double[] offset, double[] s) {
    Integer[] order = IntStream.range(0, y.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> y[i] - offset[i]));
    double left = tau * Arrays.stream(s).sum();
    for (int i : order) {
      left -= s[i];
      if (left <= 0 && s[i] > 0) {
        return y[i] - offset[i];
      }
    }
    return 0;
  }
}
