package dev.panagrad.solver;

import java.util.Arrays;

/**
 * A step along a direction that lowers the value enough and the slope enough:
 *
 * <pre>
 *   f(w + a d) <= f(w) + 1e-4 a g.d          sufficient decrease
 *   |gradient(w + a d).d| <= 0.9 |g.d|       curvature
 * </pre>
 *
 * Steps grow until an interval is known that holds such a point, which is then cut by cubic
 * interpolation. Near the minimum, where differences of values are rounding, a step is also
 * accepted if the slope alone says that the value falls (Hager and Zhang 2005, the approximate
 * Wolfe conditions).
 *
 * <p>Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6.
 */
final class StrongWolfe {
  private static final double DECREASE = 1e-4;
  private static final double CURVATURE = 0.9;
  private static final int MAX_EVALUATIONS = 30;
  private static final int FEW = 4;
  // Differences of values that tell nothing, in roundings and as a part of the value. A step that
  // makes a value worse by more than that is none: where there is no minimum, directions become
  // long, and such steps led away from where a search had ended already.
  private static final double ROUNDINGS = 100;
  private static final double MOST_ROUNDING = 1e-7;
  private final Objective objective;
  private final double[] from;
  private final double[] direction;
  private final double value0;
  private final double slope0;
  private int evaluations;

  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Point(double step, double value, double slope, double[] w, double[] g, double[] values) {}

  StrongWolfe(
      Objective objective, double[] from, double[] direction, double value, double[] gradient) {
    this.objective = objective;
    this.from = from;
    this.direction = direction;
    value0 = value;
    slope0 = Vectors.dot(gradient, direction);
  }

  /** Begins with that step; null if there is none. */
  Point find(double first) {
    if (!(slope0 < 0)) {
      return null;
    }
    Point before = new Point(0, value0, slope0, from, null, null);
    double step = first;
    while (evaluations < MAX_EVALUATIONS) {
      Point now = at(step);
      if (isAccepted(now)) {
        return now;
      }
      boolean isAbove = !isLowEnough(now) || (evaluations > 1 && now.value >= before.value);
      if (isAbove || !Double.isFinite(now.value)) {
        return narrow(before, now);
      }
      if (now.slope >= 0) {
        return narrow(now, before);
      }
      before = now;
      step *= evaluations < FEW ? 2.5 : 100; // far away where a gradient is clipped
    }
    return null;
  }

  /** Algorithm 3.6, between a low point and another one. */
  private Point narrow(Point lowest, Point other) {
    Point low = lowest;
    Point high = other;
    while (evaluations < MAX_EVALUATIONS) {
      Point now = at(between(low, high));
      if (isAccepted(now)) {
        return now;
      }
      if (!isLowEnough(now) || !(now.value < low.value)) {
        high = now;
      } else {
        if (now.slope * (high.step - low.step) >= 0) {
          high = low;
        }
        low = now;
      }
      if (Math.abs(high.step - low.step) <= 1e-14 * Math.abs(low.step)) {
        break;
      }
    }
    // Lower than before is progress all the same.
    return low.step > 0 && low.value < value0 ? low : null;
  }

  private boolean isLowEnough(Point point) {
    return point.value <= value0 + DECREASE * point.step * slope0;
  }

  private boolean isAccepted(Point point) {
    if (Math.abs(point.slope) > CURVATURE * -slope0) {
      return false;
    }
    double rounding = Math.min(MOST_ROUNDING, ROUNDINGS * objective.roundoff());
    boolean isRounding = Math.abs(point.value - value0) <= rounding * Math.abs(value0);
    return isLowEnough(point) || (isRounding && point.slope <= (2 * DECREASE - 1) * slope0);
  }

  /** The minimum of the cubic through both, kept off the ends (equation 3.59). */
  private static double between(Point a, Point b) {
    double low = Math.min(a.step, b.step);
    double width = Math.abs(b.step - a.step);
    double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
    double root = Math.sqrt(d1 * d1 - a.slope * b.slope) * Math.signum(b.step - a.step);
    double cubic =
        b.step - (b.step - a.step) * (b.slope + root - d1) / (b.slope - a.slope + 2 * root);
    return Double.isFinite(cubic)
        ? Math.clamp(cubic, low + 0.1 * width, low + 0.9 * width)
        : low + width / 2;
  }

  private Point at(double step) {
    double[] w = from.clone();
    Vectors.add(step, direction, w);
    double[] g = new double[w.length];
    double value = objective.evaluate(w, g);
    evaluations++;
    double[] values = new double[objective.groups()];
    Arrays.setAll(values, objective::value);
    return new Point(step, value, Vectors.dot(g, direction), w, g, values);
  }
}
