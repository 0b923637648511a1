package dev.panagrad.regression;

import java.util.List;

/**
 * A fitted linear model in raw units, in double precision: immutable, independent of any backend or
 * arena.
 *
 * <p>Threading: may be shared freely. {@link #predict(double[], int)} allocates nothing.
 */
public final class LinearModel {
  private final List<String> features;
  private final List<String> targets;
  private final double[][] coefficients;
  private final double[] intercept;

  /**
   * A model.
   *
   * @param coefficients [target][feature]
   * @param intercept [target]; zeros if the model has none
   */
  public LinearModel(
      List<String> features, List<String> targets, double[][] coefficients, double[] intercept) {
    this(copy(coefficients), intercept.clone(), features, targets);
  }

  /** Keeps the arrays. */
  private LinearModel(
      double[][] coefficients, double[] intercept, List<String> features, List<String> targets) {
    if (coefficients.length != targets.size() || intercept.length != targets.size()) {
      throw new IllegalArgumentException(
          "%d targets need as many rows of coefficients and intercepts, found %d and %d"
              .formatted(targets.size(), coefficients.length, intercept.length));
    }
    for (int j = 0; j < coefficients.length; j++) {
      if (coefficients[j].length != features.size()) {
        throw new IllegalArgumentException(
            "target '%s' has %d coefficients for %d features"
                .formatted(targets.get(j), coefficients[j].length, features.size()));
      }
    }
    this.features = List.copyOf(features);
    this.targets = List.copyOf(targets);
    this.coefficients = coefficients;
    this.intercept = intercept;
  }

  /** A model that keeps the arrays, which are no one else's. */
  static LinearModel over(
      List<String> features, List<String> targets, double[][] coefficients, double[] intercept) {
    return new LinearModel(coefficients, intercept, features, targets);
  }

  /** Feature names, in the order of the coefficients. */
  public List<String> features() {
    return features;
  }

  /** Target names. */
  public List<String> targets() {
    return targets;
  }

  /** The coefficient of a feature for a target. */
  public double coefficient(int target, int feature) {
    return coefficients[target][feature];
  }

  /** A copy of all coefficients, [target][feature]. */
  public double[][] coefficients() {
    return copy(coefficients);
  }

  private static double[][] copy(double[][] rows) {
    double[][] copy = new double[rows.length][];
    for (int j = 0; j < copy.length; j++) {
      copy[j] = rows[j].clone();
    }
    return copy;
  }

  /** The intercept of a target. */
  public double intercept(int target) {
    return intercept[target];
  }

  /** A copy of all intercepts. */
  public double[] intercepts() {
    return intercept.clone();
  }

  /**
   * The prediction of one target.
   *
   * @param row features in raw units
   */
  public double predict(double[] row, int target) {
    double[] w = coefficients[target];
    if (row.length != w.length) {
      throw new IllegalArgumentException(
          "the model has " + w.length + " features, the row " + row.length);
    }
    double sum = intercept[target];
    for (int f = 0; f < w.length; f++) {
      sum += w[f] * row[f];
    }
    return sum;
  }
}
