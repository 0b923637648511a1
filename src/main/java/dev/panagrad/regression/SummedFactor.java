package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;

/**
 * The {@link RowFactor} of many rows from the sums of products of their columns, by Cholesky: half
 * the operations of reflections, at the speed of a matrix product, and no pass for moments.
 *
 * <p>Squaring loses digits: with condition number c of the standardized columns, and means of at
 * most r deviations, a solution by this triangle is wrong by about {@code u c^2 (1 + r^2)}. It is
 * made where that is below 1e-4, so that each refinement by residuals of the rows gains four digits
 * or more. Source: Björck, Numerical Methods for Least Squares Problems (1996), section 2.9.3.
 */
final class SummedFactor {
  /** Condition number up to which solutions by this factor can be refined. */
  static final double MAX_CONDITION = 1e4;

  private static final double MAX_MEAN = 30; // in deviations
  private static final double LEAST_PIVOT = 1e-8; // of the mean square of a column
  private static final double LEAST_SQUARE = 1e-200; // squares of squares are not zero
  private static final long MIN_CELLS = 1 << 20; // fewer are reflected as fast
  private static final int MIN_ROWS_PER_COLUMN = 64;
  private static final int MAX_FEATURES = 512;
  private static final int PANEL = 4096; // rows

  private SummedFactor() {}

  /**
   * The factor of the first rows, or null: of rows that are not F64, have an index, weights or
   * offsets, or are few, and where squaring would lose too much or a value is not finite.
   */
  static RowFactor of(Backend backend, Batch batch, long count, boolean hasIntercept) {
    DenseRows rows = batch.rows();
    int d = (int) rows.features();
    boolean isPlain = batch.index() == null && rows.weights() == null && rows.offset() == null;
    if (!isPlain
        || rows.dtype() != DType.F64
        || d > MAX_FEATURES
        || count * d < MIN_CELLS
        || count < (long) MIN_ROWS_PER_COLUMN * d) {
      return null;
    }
    int m = d + (int) rows.outputs();
    double[] means = new double[m];
    double[][] products = sum(backend.linear(), rows, count, means);
    if (!hasIntercept) {
      Arrays.fill(means, 0);
    }
    double[] scale = new double[m];
    for (int c = 0; c < m; c++) {
      double square = products[c][c] - means[c] * means[c];
      if (!(square > LEAST_SQUARE && square < 1 / LEAST_SQUARE)
          || Math.abs(means[c]) > MAX_MEAN * Math.sqrt(square)) {
        return null;
      }
      scale[c] = Math.sqrt(square);
    }
    int first = hasIntercept ? 1 : 0;
    double[][] r = new double[first + m][first + m];
    for (int i = 0; i < m; i++) {
      for (int c = i; c < m; c++) {
        double centered = products[i][c] - means[i] * means[c];
        r[first + i][first + c] = centered / (scale[i] * scale[c]);
      }
    }
    if (hasIntercept) {
      r[0][0] = 1;
    }
    return factorize(r, first + d, Math.sqrt((double) count))
        ? new RowFactor(hasIntercept, d, count, count, means, scale, new boolean[d], r)
        : null;
  }

  /** Mean products of the columns of X and y, upper triangle, and their means. */
  private static double[][] sum(LinearAlgebra linear, DenseRows rows, long count, double[] means) {
    int d = (int) rows.features();
    int k = (int) rows.outputs();
    try (TensorArena arena = TensorArena.open("sums")) {
      Tensor g = arena.allocate("X^T X", DType.F64, d, d);
      Tensor c = arena.allocate("y^T X", DType.F64, k, d);
      Tensor q = arena.allocate("y^T y", DType.F64, k, k);
      Tensor ofX = arena.allocate("sums of X", DType.F64, d);
      Tensor ofY = arena.allocate("sums of y", DType.F64, k);
      Tensor ones = arena.allocate("ones", DType.F64, PANEL).fill(1);
      for (long done = 0; done < count; done += PANEL) {
        long size = Math.min(PANEL, count - done);
        Tensor x = rows.x().rows(done, size);
        Tensor y = rows.y().reshape(rows.y().rows(), k).rows(done, size);
        linear.syrk(1, x, 1, g);
        if (k == 1) {
          linear.gemv(Transpose.YES, 1, x, y.reshape(size), 1, c.reshape(d));
        } else {
          linear.gemm(Transpose.YES, Transpose.NO, 1, y, x, 1, c);
        }
        linear.syrk(1, y, 1, q);
        linear.gemv(Transpose.YES, 1, x, ones.rows(0, size), 1, ofX);
        linear.gemv(Transpose.YES, 1, y, ones.rows(0, size), 1, ofY);
      }
      double[][] products = new double[d + k][d + k];
      for (int i = 0; i < d + k; i++) {
        means[i] = (i < d ? ofX.get(i) : ofY.get(i - d)) / count;
        for (int j = i; j < d + k; j++) {
          double sum = j < d ? g.get(i, j) : i < d ? c.get(j - d, i) : q.get(i - d, j - d);
          products[i][j] = sum / count;
        }
      }
      return products;
    }
  }

  /**
   * Replaces an upper triangle A by R times a root with {@code R^T R = A}; false if one of the
   * first pivots is so small that digits are lost.
   */
  private static boolean factorize(double[][] a, int features, double root) {
    int m = a.length;
    for (int i = 0; i < m; i++) {
      if (i < features && !(a[i][i] > LEAST_PIVOT)) {
        return false;
      }
      double pivot = Math.sqrt(Math.max(a[i][i], 0)); // of a target: what is left, perhaps nothing
      for (int c = i; c < m; c++) {
        a[i][c] = pivot == 0 ? 0 : a[i][c] / pivot;
      }
      for (int j = i + 1; j < m; j++) {
        double share = a[i][j];
        for (int c = j; c < m; c++) {
          a[j][c] -= share * a[i][c];
        }
      }
    }
    for (double[] row : a) {
      for (int c = 0; c < m; c++) {
        row[c] *= root;
      }
    }
    return true;
  }
}
