package dev.panagrad.solver;

/**
 * A {@link Solver} minimizes {@code f(w) + sum_i l1_i |w_i|} with f convex and smooth. One
 * evaluation is one pass over the data.
 *
 * <p>f may be a sum of functions of different parameters, groups, such as the losses of several
 * outputs: they are evaluated together, and are problems of their own.
 */
public interface Objective {
  int size();

  /** Returns the value of f at these parameters, and overwrites the gradient. */
  double evaluate(double[] at, double[] gradient);

  default int groups() {
    return 1;
  }

  default int group(int parameter) {
    return 0;
  }

  /** Returns the value of a group's function at the last evaluation. */
  double value(int group);

  /** Returns the L1 penalty of one parameter; 0 where none applies. */
  default double l1(int parameter) {
    return 0;
  }

  /** Returns a number that the curvature of f is nowhere above; NaN if none is known. */
  double largestCurvature();

  /** Returns the relative rounding of value and gradient: half a unit in their sums' last place. */
  default double roundoff() {
    return 0x1p-53;
  }

  /** Returns a copy of the point of the minimum, if it can be computed without iterations. */
  default double[] minimum() {
    throw new IllegalStateException("the minimum of this objective is not known");
  }

  /** True if f is quadratic, so that its gradient is linear in the parameters. */
  boolean isQuadratic();
}
