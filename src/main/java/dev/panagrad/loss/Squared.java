package dev.panagrad.loss;

/**
 * The squared error {@code (z - y)^2}, whose minimum is the conditional mean. Kernels have it built
 * in; this is for rows with weights or offsets.
 */
public record Squared() implements Loss {
  @Override
  public String name() {
    return "squared";
  }

  @Override
  public void describeFit(Metrics metrics) {
    metrics
        .explained("R2", (y, mean) -> (y - mean) * (y - mean), this::mean)
        .rootMean("RMSE", (z, y) -> (z - y) * (z - y));
  }

  @Override
  public double differentiate(double[] z, double[] y, double[] s, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double r = z[i] - y[i];
      sum += s[i] * r * r;
      z[i] = 2 * s[i] * r;
    }
    return sum;
  }

  @Override
  public double curvature() {
    return 2;
  }

  @Override
  public int degree() {
    return 2;
  }

  @Override
  public boolean isQuadratic() {
    return true;
  }
}
