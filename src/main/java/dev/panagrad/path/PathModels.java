package dev.panagrad.path;

import dev.panagrad.penalty.Penalty;
import dev.panagrad.solver.CoordinateDescent;
import dev.panagrad.solver.Lanczos;
import dev.panagrad.solver.ShiftedSystem;

/** The models for all values of a path on one set of rows, each from the one before. */
final class PathModels {
  final double[][] coefficients; // in raw units, [value][feature]
  final double[] intercepts;
  int unconverged; // how many have not converged
  double multiplyAdds;

  private PathModels(int values) {
    coefficients = new double[values][];
    intercepts = new double[values];
  }

  /**
   * The largest value that is of use: of L1, the smallest that makes all coefficients zero; of L2,
   * {@value RegularizationPath#LARGEST_RIDGE} times the largest eigenvalue.
   */
  static double largestValue(CenteredSums problem, PathPenalty kind, double share) {
    if (kind == PathPenalty.L2) {
      return RegularizationPath.LARGEST_RIDGE * largestEigenvalue(problem.g);
    }
    double largest = new CoordinateDescent(problem.g, problem.c, problem.q).largestL1();
    double value = kind == PathPenalty.L1 ? largest : largest / share;
    // Rounded down, it would leave a coefficient of rounding.
    while (kind.penalty(value, share).l1() < largest) {
      value = Math.nextUp(value);
    }
    return value;
  }

  private static double largestEigenvalue(double[][] g) {
    return Lanczos.extremes(
            (v, out) -> {
              for (int i = 0; i < g.length; i++) {
                double sum = 0;
                for (int j = 0; j < v.length; j++) {
                  sum += g[i][j] * v[j];
                }
                out[i] = sum;
              }
            },
            g.length,
            100,
            1e-6)
        .largest();
  }

  /** Solves a standardized problem, which is overwritten for L2; cold starts are from zero. */
  static PathModels of(
      CenteredSums problem,
      double[] scale,
      PathPenalty kind,
      double share,
      double[] values,
      boolean isWarm) {
    PathModels models = new PathModels(values.length);
    int d = scale.length;
    if (kind == PathPenalty.L2) {
      boolean[] isConstant = new boolean[d];
      for (int j = 0; j < d; j++) {
        isConstant[j] = problem.g[j][j] == 0;
      }
      ShiftedSystem ridge = new ShiftedSystem(problem.g, problem.c);
      models.multiplyAdds += 2.0 * d * d * (d + values.length);
      for (int i = 0; i < values.length; i++) {
        double[] w = new double[d];
        solve(ridge, values[i], w);
        for (int j = 0; j < d; j++) {
          // Reflections leave rounding there.
          w[j] = isConstant[j] ? 0 : w[j];
        }
        models.keep(i, w, problem, scale);
      }
      return models;
    }
    CoordinateDescent descent = new CoordinateDescent(problem.g, problem.c, problem.q);
    double[] w = new double[d];
    for (int i = 0; i < values.length; i++) {
      if (!isWarm) {
        w = new double[d];
      }
      Penalty penalty = kind.penalty(values[i], share);
      CoordinateDescent.Outcome outcome = descent.solve(penalty.l1(), penalty.l2(), w);
      models.unconverged += outcome.converged() ? 0 : 1;
      models.multiplyAdds += outcome.multiplyAdds();
      models.keep(i, w, problem, scale);
    }
    return models;
  }

  private static void solve(ShiftedSystem ridge, double value, double[] w) {
    try {
      ridge.solve(value, w);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "an L2 penalty of %s is lost in the rounding of features that repeat others: give a larger one, or drop such features"
              .formatted(value),
          e);
    }
  }

  private void keep(int i, double[] w, CenteredSums problem, double[] scale) {
    double[] raw = new double[w.length];
    double intercept = problem.targetMean;
    for (int j = 0; j < raw.length; j++) {
      raw[j] = w[j] / scale[j];
      intercept -= raw[j] * problem.mean[j];
    }
    coefficients[i] = raw;
    intercepts[i] = intercept;
  }
}
