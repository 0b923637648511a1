package dev.panagrad.solver;

import dev.panagrad.rule.Checks;

/**
 * Solves {@code A x = b} for a symmetric, positive definite matrix of which only products are
 * known, by conjugate gradients.
 *
 * <pre>
 *   r = b - A x          d = r at first, later r + (r'.r' / r.r) d
 *   x = x + (r.r / d.A d) d
 * </pre>
 *
 * In exact arithmetic the solution is found after as many products as A has distinct eigenvalues;
 * the error in the norm of A shrinks by {@code (sqrt(c) - 1) / (sqrt(c) + 1)} per product or
 * faster, for condition number c.
 *
 * <p>Source: Hestenes and Stiefel (1952), Methods of conjugate gradients for solving linear
 * systems; Golub and Van Loan, Matrix Computations (2013), section 11.3.
 */
public final class LinearSystem {
  private LinearSystem() {}

  /** Solves, from zero, until the residual is at most that part of b, or for so many products. */
  public static double[] solve(
      LinearOperator matrix, double[] b, int maxProducts, double tolerance) {
    Checks.count("products", maxProducts);
    Checks.nonNegative("tolerance", tolerance);
    double[] x = new double[b.length];
    double[] r = b.clone();
    double[] d = b.clone();
    double[] product = new double[b.length];
    double squares = Vectors.dot(r, r);
    double enough = tolerance * tolerance * squares;
    for (int i = 0; i < maxProducts && squares > enough; i++) {
      matrix.multiply(d, product);
      double curvature = Vectors.dot(d, product);
      if (!(curvature > 0)) {
        // Singular but for rounding: nothing to be had in this direction.
        break;
      }
      Vectors.add(squares / curvature, d, x);
      Vectors.add(-squares / curvature, product, r);
      double next = Vectors.dot(r, r);
      double share = next / squares;
      for (int j = 0; j < d.length; j++) {
        d[j] = r[j] + share * d[j];
      }
      squares = next;
    }
    return x;
  }
}
