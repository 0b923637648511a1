package dev.panagrad.solver;

/**
 * What a {@link Solver} minimises: {@code f(w) + sum_i l1_i |w_i|} with f convex and smooth. One
 * evaluation is one pass over the data.
 */
public interface Objective {
  /** How many parameters there are. */
  int size();

  /**
   * The value of f and its gradient.
   *
   * @param at parameters, not changed
   * @param gradient is overwritten
   */
  double evaluate(double[] at, double[] gradient);

  /** The L1 penalty of one parameter; 0 where none applies. */
  default double l1(int parameter) {
    return 0;
  }

  /** A number that the curvature of f is nowhere above; NaN if none is known. */
  double largestCurvature();

  /** Whether f is quadratic, so that its gradient is linear in the parameters. */
  boolean isQuadratic();
}
