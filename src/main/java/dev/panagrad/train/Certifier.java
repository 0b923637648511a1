package dev.panagrad.train;

import dev.panagrad.regression.Standardization;
import dev.panagrad.train.objective.Coordinates;
import dev.panagrad.train.objective.Curvature;
import dev.panagrad.train.objective.NewtonDecrement;
import dev.panagrad.train.objective.RowsObjective;

/**
 * Computes a {@link Certificate} for mean squared errors with penalties, weighted or not: the roots
 * of the weights, whose mean is 1, are then factors of rows and residuals below. For other losses
 * see {@link NewtonDecrement}.
 *
 * <p><b>Without L1</b> the objective is quadratic, and with gradient g and Hessian H the distance
 * to the minimum is exactly {@code g.H^-1 g / 2}. With an approximate {@code z = H^-1 g} and its
 * residual {@code r = g - H z},
 *
 * <pre>
 *   g.H^-1 g = g.z + z.r + r.H^-1 r <= g.z + z.r + |r|^2 / mu
 * </pre>
 *
 * where mu bounds the spectrum from below. Where H is not formed, but there is an L2 penalty, the
 * intercept is first put where it is best, after which mu = 2 l2 bounds what is left: {@code |g|^2
 * / (2 mu)} (Nesterov 2018, theorem 2.1.10).
 *
 * <p><b>With L1</b> the bound is a duality gap. For residuals {@code r = y - z} whose mean is zero,
 * X and y with {@code sqrt(n l2)} times the identity and zeros below them, and any s that keeps
 * {@code s |gradient_f| <= l1} for all features,
 *
 * <pre>
 *   D(s) = 2 s (r.y) / n - s^2 |r|^2 / n
 * </pre>
 *
 * is not above the minimum (Kim et al. 2007, An interior-point method for large-scale
 * l1-regularized least squares, section III). All of it comes from loss and gradient: {@code r.y /
 * n = loss - w.g_w / 2 - b g_b / 2}, for the gradient of the loss alone. It shrinks with the first
 * power of the subgradient; near the minimum {@code |subgradient|^2 / (2 mu)} is smaller, where mu
 * is known.
 *
 * <p>In {@link Coordinates} in which the squared error is round, H is 2 along every direction that
 * the loss depends on, whatever columns are constant or depend on others: {@code g.H^-1 g / 2} is
 * {@code |g|^2 / 4} there, with g longer by what rounding may take from it.
 *
 * @param curvature null if it was not computed
 * @param coordinates null if they cost more than they are worth
 * @param decrement of losses that are not quadratic; null if none is known, or it costs more
 */
record Certifier(
    RowsObjective objective,
    Standardization units,
    Curvature curvature,
    Coordinates coordinates,
    NewtonDecrement decrement) {
  private static final int MAX_PRODUCTS = 200;
  static final String CUT = ", with the columns that rounding can tell apart";

  /** At the regression's parameters, which stay as they are. */
  Certificate certify() {
    double[] w = objective.current();
    double[] gradient = new double[w.length];
    objective.evaluate(w, gradient);
    double value = 0;
    double squares = 0;
    double rawSquares = 0;
    for (int j = 0; j < objective.groups(); j++) {
      value += raw(objective.value(j) + l1Penalty(w, j), j);
    }
    double[] subgradient = new double[w.length];
    for (int i = 0; i < w.length; i++) {
      double g = shortest(w[i], gradient[i], objective.l1(i));
      subgradient[i] = g;
      squares += g * g;
      rawSquares += raw(g * g, objective.group(i));
    }
    double gap = Double.NaN;
    String basis;
    double l2 = objective.penalty().l2();
    boolean isCurved = curvature != null && curvature.isExact() && curvature.smallest() > 0;
    boolean isExact = curvature != null && curvature.isExact();
    double largest = curvature == null ? Double.NaN : curvature.largest();
    double smallest = isExact ? curvature.smallest() : Double.NaN;
    boolean isRound = coordinates != null && coordinates.round() != null;
    if (decrement != null) {
      boolean isCut = false;
      gap = 0;
      for (int j = 0; j < objective.groups(); j++) {
        NewtonDecrement.Bound found = decrement.bound(w, subgradient, j);
        gap += raw(found.gap(), j);
        isCut |= found.isCut();
      }
      basis =
          Double.isNaN(gap)
              ? "it may be farther than the curvature of the loss is known"
              : "the curvature of the loss around the model" + (isCut ? CUT : "");
    } else if (!objective.isQuadratic()
        && (l2 == 0 || objective.hasIntercept() || objective.penalty().l1() > 0)) {
      basis =
          "none is known for this loss"
              + (l2 > 0 ? " with an intercept or an L1 penalty" : " without an L2 penalty");
    } else if (objective.penalty().l1() > 0) {
      gap = value - dual(w, gradient);
      basis = "the duality gap";
      double curved = isCurved ? rawSquares / (2 * curvature.smallest()) : Double.NaN;
      if (curved < gap) {
        gap = curved;
        basis = "strong convexity and the shortest subgradient";
      }
      Coordinates sizes = sizes();
      for (int j = 0; j < objective.groups(); j++) {
        gap += raw(rounding(sizes, w, j), j);
      }
    } else if (isRound) {
      gap = roundGap(w, gradient);
      basis =
          coordinates.round().cut().isEmpty()
              ? "the curvature of the loss"
              : "the curvature of the loss" + CUT;
    } else if (isCurved) {
      gap = quadraticGap(w, gradient);
      basis = "the curvature of the loss";
    } else if (l2 > 0) {
      gap = stronglyConvexGap(w, gradient, value);
      basis = "strong convexity, which the L2 penalty gives";
    } else if (curvature != null && curvature.isExact()) {
      basis =
          "features depend on each other as far as rounding can tell; drop some, or add an L2 penalty";
    } else {
      basis =
          "the smallest curvature is not measured for so many features, or rows beyond memory; an L2 penalty would bound it";
    }
    objective.load(w);
    return new Certificate(
        value,
        Math.sqrt(squares),
        Double.isNaN(gap)
            ? gap
            : Math.pow(Math.sqrt(Math.max(gap, 0)) + roundedRows(w), 2)
                + 4 * objective.roundoff() * Math.abs(value),
        basis,
        isRound && !isExact ? coordinates.round().largestCurvature() : largest,
        isRound && !isExact ? coordinates.round().smallestCurvature() : smallest);
  }

  /**
   * How far rounding of rows to their type moves predictions, each by one unit of its terms: the
   * gap of squared errors is the square of how far predictions are from the best.
   */
  private double roundedRows(double[] w) {
    double squares = 0;
    Coordinates sizes = coordinates == null ? sizes() : coordinates;
    for (int j = 0; objective.isQuadratic() && j < objective.groups(); j++) {
      double moved = objective.roundoff() * sizes.terms(w, j);
      squares += raw(moved * moved, j);
    }
    return Math.sqrt(squares);
  }

  /** The element of the subdifferential next to zero. */
  private static double shortest(double w, double g, double l1) {
    return w == 0 ? Math.signum(g) * Math.max(Math.abs(g) - l1, 0) : g + Math.signum(w) * l1;
  }

  private double raw(double loss, int output) {
    return loss * objective.unit(units, output) / objective.groups();
  }

  private double l1Penalty(double[] w, int output) {
    double magnitudes = 0;
    int d = objective.features();
    for (int i = output * d; i < (output + 1) * d; i++) {
      magnitudes += Math.abs(w[i]);
    }
    return objective.penalty().l1() * magnitudes;
  }

  private double quadraticGap(double[] w, double[] gradient) {
    double gap = 0;
    Coordinates sizes = sizes();
    for (int j = 0; j < objective.groups(); j++) {
      double[] g = objective.part(gradient, j);
      double[] z = curvature.solve(g, MAX_PRODUCTS, 1e-8);
      double[] r = new double[g.length];
      curvature.multiply(z, r);
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < g.length; i++) {
        r[i] = g[i] - r[i];
        sum += z[i] * (g[i] + r[i]);
        squares += r[i] * r[i];
      }
      gap += raw((sum + squares / curvature.smallest()) / 2 + rounding(sizes, w, j), j);
    }
    return gap;
  }

  private double roundGap(double[] w, double[] gradient) {
    double gap = 0;
    for (int j = 0; j < objective.groups(); j++) {
      double squares = 0;
      for (double g : coordinates.gradient(gradient, j)) {
        squares += g * g;
      }
      double length = Math.sqrt(squares) + coordinates.rounding(Math.sqrt(objective.loss(j)));
      double constants = coordinates.penaltyOfConstants(w, j);
      gap += raw(length * length / 4 + rounding(coordinates, w, j) + constants, j);
    }
    return gap;
  }

  /** Coordinates of the rows, with what is known of the sizes of their columns. */
  private Coordinates sizes() {
    return curvature == null
        ? Coordinates.plain(objective)
        : Coordinates.ofSizes(objective, curvature.columnSizes());
  }

  /** What rounding of predictions does to the squared error. */
  private double rounding(Coordinates sizes, double[] w, int output) {
    double wrong = sizes.wrong(w, output, units);
    return wrong * (2 * Math.sqrt(objective.loss(output)) + wrong);
  }

  /** The parameters with the best intercepts; evaluates where there are any. */
  private double[] centered(double[] w, double[] gradient) {
    if (!objective.hasIntercept()) {
      return w;
    }
    double[] at = w.clone();
    for (int i = 0; i < at.length; i++) {
      if (!objective.isPenalized(i)) {
        // The curvature along an intercept is 2.
        at[i] -= gradient[i] / 2;
      }
    }
    objective.evaluate(at, gradient);
    return at;
  }

  private double stronglyConvexGap(double[] w, double[] gradient, double value) {
    centered(w, gradient);
    double best = 0;
    double[] squares = new double[objective.groups()];
    for (int i = 0; i < gradient.length; i++) {
      squares[objective.group(i)] += gradient[i] * gradient[i];
    }
    for (int j = 0; j < objective.groups(); j++) {
      best += raw(objective.value(j) - squares[j] / (4 * objective.penalty().l2()), j);
    }
    return value - best;
  }

  /** The best lower bound, summed over outputs, in raw units. */
  private double dual(double[] w, double[] gradient) {
    double[] at = centered(w, gradient);
    int d = objective.features();
    double l2 = objective.penalty().l2();
    double total = 0;
    for (int j = 0; j < objective.groups(); j++) {
      double largest = 0;
      double squares = 0;
      double product = objective.loss(j);
      for (int i = j * d; i < (j + 1) * d; i++) {
        largest = Math.max(largest, Math.abs(gradient[i]));
        squares += at[i] * at[i];
        product -= at[i] * (gradient[i] - 2 * l2 * at[i]) / 2;
      }
      if (objective.hasIntercept()) {
        int b = objective.groups() * d + j;
        product -= at[b] * gradient[b] / 2;
      }
      double residuals = objective.loss(j) + l2 * squares;
      double feasible = largest > 0 ? objective.penalty().l1() / largest : Double.POSITIVE_INFINITY;
      double s = Math.clamp(product / residuals, 0, feasible);
      total += raw(residuals == 0 ? 0 : s * (2 * product - s * residuals), j);
    }
    return total;
  }
}
