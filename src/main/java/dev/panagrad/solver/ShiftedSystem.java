package dev.panagrad.solver;

import dev.panagrad.rule.Checks;

/**
 * Solves {@code (A + t I) x = b} for one symmetric, positive semidefinite matrix and many t: A is
 * made tridiagonal once, and each t then costs O(d^2) instead of O(d^3).
 *
 * <pre>
 *   A = Q T Q^T                      Q a product of d - 2 reflections I - beta v v^T
 *   x = Q (T + t I)^-1 Q^T b         T + t I = L D L^T, L with one diagonal beside its own
 * </pre>
 *
 * A ridge path is such a family, with A the features' products and t its penalty. Unlike
 * eigenvectors, the reduction needs no iteration. It is backward stable: x solves exactly a system
 * whose matrix differs from {@code A + t I} by a small multiple of {@code d u |A|}.
 *
 * <p>Cost: 2 d^3 multiply-adds once, 2 d^2 for each t; 8 d^2 bytes beside the matrix. Threading:
 * one thread at a time.
 *
 * <p>Source: Golub and Van Loan, Matrix Computations (2013), sections 8.3.1 for the reduction and
 * 4.3.6 for tridiagonal systems.
 */
public final class ShiftedSystem {
  private final int d;
  private final double[] diagonal;
  private final double[] beside;

  /** v of each reflection: entries from k + 1 on, of length sqrt(2), or null for the identity. */
  private final double[][] reflections;

  private final double[] turned; // Q^T b

  /** Reduces a symmetric matrix [d][d], which is overwritten, for a right side [d]. */
  public ShiftedSystem(double[][] a, double[] b) {
    d = a.length;
    Vectors.requireSystem(a, b);
    diagonal = new double[d];
    beside = new double[Math.max(d - 1, 0)];
    reflections = new double[Math.max(d - 2, 0)][];
    for (int k = 0; k < reflections.length; k++) {
      reflections[k] = reflect(a, k);
    }
    for (int i = 0; i < d; i++) {
      diagonal[i] = a[i][i];
      if (i + 1 < d) {
        beside[i] = a[i][i + 1];
      }
    }
    turned = b.clone();
    for (int k = 0; k < reflections.length; k++) {
      apply(k, turned);
    }
  }

  /** Makes row k zero beyond its first two entries, and applies the same to the rest. */
  private double[] reflect(double[][] a, int k) {
    double largest = 0;
    for (int j = k + 2; j < d; j++) {
      largest = Math.max(largest, Math.abs(a[k][j]));
    }
    if (largest == 0) {
      return null;
    }
    largest = Math.max(largest, Math.abs(a[k][k + 1]));
    double[] v = new double[d];
    double squares = 0;
    for (int j = k + 1; j < d; j++) {
      v[j] = a[k][j] / largest;
      squares += v[j] * v[j];
    }
    double norm = Math.copySign(Math.sqrt(squares), v[k + 1]);
    // Away from zero: no digit is lost.
    v[k + 1] += norm;
    double length = Math.sqrt(norm * v[k + 1]);
    for (int j = k + 1; j < d; j++) {
      v[j] /= length;
    }
    a[k][k + 1] = -norm * largest;
    // A - v p^T - p v^T with p = A v - (v.A v / 2) v, for v.v = 2.
    double[] p = new double[d];
    for (int i = k + 1; i < d; i++) {
      double factor = v[i];
      double[] row = a[i];
      for (int j = k + 1; j < d; j++) {
        p[j] += factor * row[j];
      }
    }
    Vectors.add(-Vectors.dot(v, p) / 2, v, p);
    for (int i = k + 1; i < d; i++) {
      double left = v[i];
      double right = p[i];
      double[] row = a[i];
      for (int j = k + 1; j < d; j++) {
        row[j] -= left * p[j] + right * v[j];
      }
    }
    return v;
  }

  private void apply(int k, double[] x) {
    if (reflections[k] != null) {
      Vectors.add(-Vectors.dot(reflections[k], x), reflections[k], x);
    }
  }

  /**
   * Solves for one shift t above 0, into x [d].
   *
   * @throws ArithmeticException if {@code A + t I} is not positive definite, but for rounding, or
   *     not finite: t is too small for the matrix
   */
  public void solve(double shift, double[] x) {
    Checks.positive("shift", shift);
    Vectors.requireLength("unknowns", x, d);
    double[] pivots = new double[d];
    for (int i = 0; i < d; i++) {
      double left = i == 0 ? 0 : beside[i - 1] / pivots[i - 1];
      pivots[i] = diagonal[i] + shift - (i == 0 ? 0 : left * beside[i - 1]);
      if (!(pivots[i] > 0 && pivots[i] < Double.POSITIVE_INFINITY)) {
        throw new ArithmeticException(
            "A + %s I is not positive definite: pivot %d is %s".formatted(shift, i + 1, pivots[i]));
      }
      x[i] = turned[i] - (i == 0 ? 0 : left * x[i - 1]);
    }
    for (int i = d - 1; i >= 0; i--) {
      x[i] = (x[i] - (i == d - 1 ? 0 : beside[i] * x[i + 1])) / pivots[i];
    }
    for (int k = reflections.length - 1; k >= 0; k--) {
      apply(k, x);
    }
  }
}
