package dev.panagrad.path;

import dev.panagrad.regression.NormalEquations;
import java.util.Arrays;

/**
 * Sums over rows of products of columns around their means, which can be merged with those of other
 * rows.
 *
 * <pre>
 *   m = m_a + delta n_b / n,  delta = m_b - m_a,  n = n_a + n_b
 *   G = G_a + G_b + delta delta^T n_a n_b / n
 * </pre>
 *
 * and alike for the target. On the diagonal nothing is subtracted: each merge adds a few roundings
 * of the result to the errors of its parts, wherever the means are. Without intercept, means are
 * zero.
 *
 * <p>Source: Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance.
 */
final class CenteredSums {
  double rows;
  final double[] mean;
  double targetMean;
  final double[][] g;
  final double[] c;
  double q;

  CenteredSums(int d) {
    mean = new double[d];
    g = new double[d][d];
    c = new double[d];
  }

  /** The sums of a normal equation's rows. */
  CenteredSums(NormalEquations.Sums means, double rows) {
    this.rows = rows;
    mean = means.mean();
    targetMean = means.targetMean()[0];
    g = means.g();
    c = means.c()[0];
    q = Math.max(means.q()[0], 0) * rows;
    scale(c, rows);
    for (double[] row : g) {
      scale(row, rows);
    }
  }

  private static void scale(double[] values, double factor) {
    for (int j = 0; j < values.length; j++) {
      values[j] *= factor;
    }
  }

  void merge(CenteredSums other) {
    double all = rows + other.rows;
    double weight = rows * (other.rows / all);
    double part = other.rows / all;
    double[] delta = new double[mean.length];
    for (int i = 0; i < delta.length; i++) {
      delta[i] = other.mean[i] - mean[i];
    }
    double targetDelta = other.targetMean - targetMean;
    for (int i = 0; i < delta.length; i++) {
      double factor = weight * delta[i];
      double[] row = g[i];
      double[] added = other.g[i];
      for (int j = 0; j < row.length; j++) {
        row[j] += added[j] + factor * delta[j];
      }
      c[i] += other.c[i] + factor * targetDelta;
      mean[i] += part * delta[i];
    }
    q += other.q + weight * targetDelta * targetDelta;
    targetMean += part * targetDelta;
    rows = all;
  }

  /** A column that has one value: what sums have left of it is rounding. */
  void clear(int column) {
    for (int i = 0; i < g.length; i++) {
      g[i][column] = 0;
      g[column][i] = 0;
    }
    c[column] = 0;
  }

  void clearTarget() {
    Arrays.fill(c, 0);
    q = 0;
  }

  /** Sums to means, for features divided by their scales. */
  void standardize(double[] scale) {
    for (int i = 0; i < g.length; i++) {
      for (int j = 0; j < g.length; j++) {
        g[i][j] = g[i][j] / rows / scale[i] / scale[j];
      }
      c[i] = c[i] / rows / scale[i];
    }
    q /= rows;
  }

  /** The mean squared error of a model in raw units, to about 1e-16 of the target's variance. */
  double meanSquaredError(double[] coefficients, double intercept) {
    double value = q;
    double s = intercept - targetMean;
    for (int i = 0; i < g.length; i++) {
      double w = coefficients[i];
      if (w != 0) {
        double product = 0;
        double[] row = g[i];
        for (int j = 0; j < row.length; j++) {
          product += row[j] * coefficients[j];
        }
        value += w * (product - 2 * c[i]);
        s += w * mean[i];
      }
    }
    return Math.max(value / rows, 0) + s * s;
  }
}
