package dev.panagrad.loss;

import dev.panagrad.rule.Checks;

/**
 * Huber's loss is squared for small residuals, linear for large ones, so that outliers pull with a
 * bounded force.
 *
 * <pre>
 *   r = z - y     r^2                      |r| &lt;= delta
 *                 delta (2 |r| - delta)    otherwise
 *   derivative    2 clamp(r, -delta, delta)
 * </pre>
 *
 * With a large delta it is the squared error, with {@code 1 / (2 delta)} of it and a small delta
 * nearly the absolute error.
 *
 * <p>Source: Huber (1964), Robust estimation of a location parameter.
 *
 * @param delta where it becomes linear, in units of the target, > 0
 */
public record Huber(double delta) implements Loss {
  public Huber {
    Checks.positive("delta", delta);
  }

  @Override
  public String name() {
    return "huber";
  }

  @Override
  public String text() {
    return name() + ":" + delta;
  }

  @Override
  public void describeFit(Metrics metrics) {
    metrics.mean("MAE", (z, y) -> Math.abs(z - y));
    new Squared().describeFit(metrics);
  }

  @Override
  public int degree() {
    return 2;
  }

  @Override
  public Huber inUnits(double scale) {
    return new Huber(delta / scale);
  }

  @Override
  public boolean isClipped() {
    return true;
  }

  @Override
  public double differentiate(double[] z, double[] y, double[] s, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double r = z[i] - y[i];
      double inside = Math.clamp(r, -delta, delta);
      // Inside, the second term is zero.
      sum += s[i] * (inside * inside + 2 * delta * Math.abs(r - inside));
      z[i] = 2 * s[i] * inside;
    }
    return sum;
  }

  @Override
  public double curvature() {
    return 2;
  }

  @Override
  public double leastCurvature(double z, double y, double way) {
    return Math.abs(z - y) + way <= delta ? 2 : 0;
  }

  @Override
  public double reach() {
    return delta;
  }

  @Override
  public double constant(double[] y, double[] offset, double[] s) {
    return Quantile.quantile(0.5, y, offset, s);
  }
}
