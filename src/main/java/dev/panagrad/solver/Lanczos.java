package dev.panagrad.solver;

import dev.panagrad.rule.Checks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Finds the extreme eigenvalues of a symmetric, positive semidefinite matrix of which only products
 * with vectors are known, by the method of Lanczos.
 *
 * <pre>
 *   q_1 = random, of length 1
 *   r   = A q_j - beta_(j-1) q_(j-1)        alpha_j = q_j . r
 *   r   = r - alpha_j q_j                   beta_j = |r|,  q_(j+1) = r / beta_j
 *
 *   T_k = tridiagonal, alpha on its diagonal and beta beside it
 * </pre>
 *
 * The largest and smallest eigenvalue of T_k lie between those of A, and approach them as k grows;
 * after as many products as A has distinct eigenvalues they are those of A. New vectors are made
 * orthogonal to all earlier ones twice, as rounding would bring back directions that have been
 * found; so k vectors are kept, in double precision.
 *
 * <p><b>How sure.</b> The largest eigenvalue is not below {@code largest}. From a random start it
 * is rarely far above it: the expected relative error after k products of a matrix of dimension n
 * is at most {@code 0.103 (ln(n (k-1)^4) / (k-1))^2} (Kuczynski and Wozniakowski), whatever the
 * spectrum, and usually far smaller. No such bound holds for the smallest before all of the
 * spectrum has been seen, which is what {@link Spectrum#isComplete} says.
 *
 * <p>Sources: Golub and Van Loan, Matrix Computations (2013), sections 10.1 to 10.3; section 8.4
 * for eigenvalues of tridiagonal matrices by bisection; Kuczynski and Wozniakowski (1992),
 * Estimating the largest eigenvalue by the power and Lanczos algorithms with a random start,
 * theorem 3.2.
 */
public final class Lanczos {
  private static final long SEED = 0x1a2c; // of the start vector, so that runs are repeatable
  private static final double NEGLIGIBLE = 1e-12; // part of the largest: a shorter q is rounding

  private Lanczos() {}

  /**
   * Says what is known of a spectrum: at most the largest and at least the smallest eigenvalue,
   * after so many products; complete if they span all directions that the start vector reaches, so
   * that both are the eigenvalues themselves but for rounding.
   */
  public record Spectrum(double largest, double smallest, int products, boolean isComplete) {}

  /**
   * Finds the ends of the spectrum, by at most {@code maxProducts} products, or until the largest
   * has grown by less than the tolerance, as a fraction, twice in a row; 0 to go on.
   *
   * @throws ArithmeticException if a product is not finite
   */
  public static Spectrum extremes(
      LinearOperator matrix, int dimension, int maxProducts, double tolerance) {
    Checks.count("dimension", dimension);
    Checks.count("products", maxProducts);
    Checks.nonNegative("tolerance", tolerance);
    List<double[]> basis = new ArrayList<>();
    double[] alpha = new double[Math.min(dimension, maxProducts)];
    double[] beta = new double[alpha.length];
    double[] q = start(dimension);
    double largest = 0;
    int calm = 0;
    for (int j = 0; j < alpha.length; j++) {
      basis.add(q);
      double[] r = new double[dimension];
      matrix.multiply(q, r);
      alpha[j] = Vectors.dot(q, r);
      orthogonalize(r, basis);
      orthogonalize(r, basis);
      beta[j] = Vectors.norm(r);
      if (!Double.isFinite(alpha[j]) || !Double.isFinite(beta[j])) {
        throw new ArithmeticException(
            "product %d with the matrix is not finite: the data overflow, or hold infinite or NaN values"
                .formatted(j + 1));
      }
      int k = j + 1;
      double before = largest;
      largest = eigenvalue(alpha, beta, k, k - 1);
      boolean isComplete = k == dimension || beta[j] <= NEGLIGIBLE * Math.abs(largest);
      calm = largest - before <= tolerance * largest ? calm + 1 : 0;
      if (isComplete || k == alpha.length || (tolerance > 0 && calm >= 2)) {
        return new Spectrum(largest, eigenvalue(alpha, beta, k, 0), k, isComplete);
      }
      divide(r, beta[j]);
      q = r;
    }
    throw new AssertionError("the last product returns");
  }

  private static double[] start(int dimension) {
    SplittableRandom random = new SplittableRandom(SEED);
    double[] q = new double[dimension];
    Arrays.setAll(q, _ -> random.nextGaussian());
    divide(q, Vectors.norm(q));
    return q;
  }

  private static void orthogonalize(double[] r, List<double[]> basis) {
    for (double[] q : basis) {
      Vectors.add(-Vectors.dot(q, r), q, r);
    }
  }

  private static void divide(double[] x, double by) {
    for (int i = 0; i < x.length; i++) {
      x[i] /= by;
    }
  }

  /** The eigenvalue with that many below it, of the tridiagonal matrix's first k rows. */
  private static double eigenvalue(double[] alpha, double[] beta, int k, int rank) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < k; i++) {
      // Gershgorin's intervals.
      double radius = (i > 0 ? beta[i - 1] : 0) + (i < k - 1 ? beta[i] : 0);
      low = Math.min(low, alpha[i] - radius);
      high = Math.max(high, alpha[i] + radius);
    }
    while (true) {
      double middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) {
        return middle;
      }
      if (countBelow(alpha, beta, k, middle) > rank) {
        high = middle;
      } else {
        low = middle;
      }
    }
  }

  /** How many eigenvalues are below x: negative pivots of T - x I (Sylvester's law of inertia). */
  private static int countBelow(double[] alpha, double[] beta, int k, double x) {
    int count = 0;
    double pivot = 1;
    for (int i = 0; i < k; i++) {
      double square = i == 0 ? 0 : beta[i - 1] * beta[i - 1];
      pivot = alpha[i] - x - square / pivot;
      if (pivot == 0) {
        pivot = -Double.MIN_NORMAL;
      }
      count += pivot < 0 ? 1 : 0;
    }
    return count;
  }
}
