package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;

/**
 * Measures how much gradients of batches scatter around that of all rows, for some parameters.
 *
 * <p>Let G be the mean gradient over n rows and Sigma the covariance of the rows' gradients around
 * it, both with divisor n. The gradient of a batch of B rows drawn without replacement has mean G,
 * and the covariance {@code Sigma / B} is reduced because no row comes twice (Cochran 1977,
 * Sampling Techniques, theorem 2.2), so that
 *
 * <pre>
 *   E |g_B|^2  =  |G|^2 + f(B) tr(Sigma)             f(B) = (n - B) / (B (n - 1))
 * </pre>
 *
 * Two batch sizes give two equations, and their solution is unbiased, being linear in the squares:
 *
 * <pre>
 *   tr(Sigma)  =  (|g_b|^2 - |g_B|^2) / (f(b) - f(B))
 *   |G|^2      =  |g_B|^2 - f(B) tr(Sigma)
 * </pre>
 *
 * For n to infinity these are the estimators of McCandlish, Kaplan, Amodei et al. 2018, appendix
 * A.1. Here B = n costs one pass, with which |G|^2 is exact; with b = 1 tr(Sigma) is exact too.
 *
 * <p><b>What it means.</b> A step of the best length along g_B, in a quadratic whose Hessian is a
 * multiple of the identity, lowers the loss by {@code 1 / (1 + scale / B)} of what a step along G
 * would (section 2.2 there), for the simple noise scale {@code tr(Sigma) / |G|^2}. So while B is
 * well below it, the same epochs reach nearly the same loss with twice the batch in half as many
 * steps; well above it, twice the batch is twice the work for the same step. As training goes on, G
 * tends to zero and the scale grows without bound.
 *
 * @param gradientSquares an estimate of |G|^2, in the units of the data that were measured; it may
 *     be negative by chance where it is small
 * @param covarianceTrace an estimate of tr(Sigma), in the same
 */
public record GradientNoiseScale(double gradientSquares, double covarianceTrace) {
  private static final long BATCHES = 4096; // small ones in measure(), at least

  /**
   * Computes the scale by the mean squared lengths of gradients of batches of few and of more rows.
   *
   * @param rows that batches are drawn from, without replacement; {@code Long.MAX_VALUE} for a
   *     stream without end
   */
  public static GradientNoiseScale of(
      long small, double smallSquares, long large, double largeSquares, long rows) {
    Checks.count("rows of the small batch", small);
    if (small >= large || large > rows) {
      throw new IllegalArgumentException(
          "a noise scale needs a small batch, a larger one, and no fewer rows than that; found batches of %,d and %,d of %,d rows"
              .formatted(small, large, rows));
    }
    double trace =
        (smallSquares - largeSquares) / (variancePart(small, rows) - variancePart(large, rows));
    return new GradientNoiseScale(largeSquares - variancePart(large, rows) * trace, trace);
  }

  private static double variancePart(long batch, long rows) {
    return ((double) rows - batch) / (batch * (rows - 1.0));
  }

  /**
   * Measures it at the regression's parameters, from one pass over the rows together and one in
   * batches of {@code n / 4096} rows, at least 1; so for up to 8,191 rows it is exact but for the
   * rounding of gradients. Overwrites the regression's gradient and loss.
   *
   * @param batch n rows, at least 2, in random order
   */
  public static GradientNoiseScale measure(
      Backend backend, LinearRegression regression, Batch batch) {
    long rows = batch.positions();
    Tensor gradient = regression.gradient().flat();
    regression.computeGradient(batch, 0, rows);
    double all = Math.pow(backend.linear().norm2(gradient), 2);
    long small = Math.max(1, rows / BATCHES);
    long batches = rows / small;
    double sum = 0;
    for (long i = 0; i < batches; i++) {
      regression.computeGradient(batch, i * small, small);
      sum += Math.pow(backend.linear().norm2(gradient), 2);
    }
    return of(small, sum / batches, rows, all, rows);
  }

  /** Returns the simple noise scale, in rows; infinite where no gradient is left in the noise. */
  public double rows() {
    if (covarianceTrace <= 0) {
      return 0;
    }
    return gradientSquares <= 0 ? Double.POSITIVE_INFINITY : covarianceTrace / gradientSquares;
  }

  /**
   * Returns the largest power of two that is neither above the noise scale nor above the rows, and
   * at least 1: up to there, a larger batch saves nearly as many steps as it makes each one longer.
   */
  public long advisedBatch(long allRows) {
    Checks.count("rows", allRows);
    double most = Math.min(rows(), (double) allRows);
    return most < 1 ? 1 : Long.highestOneBit((long) most);
  }
}
