package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;

/**
 * Makes the {@link RowFactor} of many rows from the sums of products of their columns, by Cholesky:
 * half the operations of reflections, at the speed of a matrix product, and no pass for moments.
 *
 * <p>Squaring loses digits: with condition number c of the standardized columns, and means of at
 * most r deviations, a solution by this triangle is wrong by about {@code u c^2 (1 + r^2)}. It is
 * made where that is below 1e-4, so that each refinement by residuals of the rows gains four digits
 * or more. Rows are less one of the heaviest, which is some deviations from the mean. Source:
 * Björck, Numerical Methods for Least Squares Problems (1996), section 2.9.3.
 */
public final class SummedFactor {
  /** Condition number up to which solutions by this factor can be refined. */
  static final double MAX_CONDITION = 1e4;

  private static final double MAX_MEAN = 30; // in deviations
  private static final double LEAST_PIVOT = 1e-8; // of the mean square of a column
  private static final double LEAST_SQUARE = 1e-200; // squares of squares are not zero
  private static final long MIN_CELLS = 1 << 20; // fewer are reflected as fast
  private static final int MIN_ROWS_PER_COLUMN = 64;
  private static final int MAX_FEATURES = 512;

  private SummedFactor() {}

  /**
   * Computes the factor of the first rows of a batch in host memory to a few digits, which is
   * enough for coordinates: by sums, or by reflections where squaring loses too much. Offsets are
   * not looked at.
   *
   * @throws IllegalArgumentException if a value is not finite, with its row and column
   */
  public static RowFactor near(Backend backend, Batch batch, long count, boolean hasIntercept) {
    NormalEquations.checkPositions(batch, 0, count);
    DenseRows rows = batch.rows();
    Batch plain = new Batch(new DenseRows(rows.x(), rows.y(), rows.weights(), null), batch.index());
    RowFactor summed = of(backend, plain, count, hasIntercept);
    return summed != null ? summed : RowFactor.of(backend, plain, count, hasIntercept);
  }

  /**
   * The factor of the first rows, or null: of rows that are few or have offsets, and where squaring
   * would lose too much, or a value is not finite.
   */
  static RowFactor of(Backend backend, Batch batch, long count, boolean hasIntercept) {
    DenseRows rows = batch.rows();
    int d = (int) rows.features();
    if (rows.offset() != null
        || d > MAX_FEATURES
        || count * d < MIN_CELLS
        || count < (long) MIN_ROWS_PER_COLUMN * d) {
      return null;
    }
    return factor(new Sums(backend.linear(), batch, count, hasIntercept), d, count, hasIntercept);
  }

  private static RowFactor factor(Sums sums, int d, long count, boolean hasIntercept) {
    int m = sums.means.length;
    double[][] products = sums.products;
    double[] means = sums.means;
    if (!hasIntercept) {
      Arrays.fill(means, 0);
    }
    double[] scale = new double[m];
    double[] shift = sums.shift;
    for (int c = 0; c < m; c++) {
      double square = products[c][c] - means[c] * means[c];
      if (!(square > LEAST_SQUARE && square < 1 / LEAST_SQUARE)
          || Math.abs(means[c]) > MAX_MEAN * Math.sqrt(square)) {
        return null;
      }
      scale[c] = Math.sqrt(square);
      shift[c] += means[c];
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
    return factorize(r, first + d, Math.sqrt(sums.weight))
        ? new RowFactor(hasIntercept, d, count, sums.weight, shift, scale, new boolean[d], r)
        : null;
  }

  /** Weighted mean products of the columns of X and y, upper triangle, and their means. */
  private static final class Sums {
    final double[][] products;
    final double[] means; // of the shifted columns
    final double[] shift; // which was subtracted from each column before
    final double weight;

    /** Rows are shifted by one of them where there is an intercept. */
    Sums(LinearAlgebra linear, Batch batch, long count, boolean isShifted) {
      DenseRows rows = batch.rows();
      int d = (int) rows.features();
      int m = d + (int) rows.outputs();
      RelativeWeights weights = new RelativeWeights(rows.weights(), batch.index(), 0, count);
      double total = weights.sum(0, count);
      weight = total * weights.largest();
      shift = new double[m];
      if (isShifted) {
        long row = weights.heaviest();
        Arrays.setAll(shift, c -> c < d ? rows.x().get(row, c) : rows.y().get(row, c - d));
      }
      means = new double[m];
      products = new double[m][m];
      try (TensorArena arena = TensorArena.open("sums")) {
        Tensor sums = arena.allocate("sums of products", DType.F64, 1 + m, 1 + m);
        RowPanel panel = new RowPanel(arena, batch, count, weights);
        panel.shiftBy(shift);
        for (long done = 0; done < count; done += RowPanel.ROWS) {
          linear.syrk(1, panel.load(done, Math.min(RowPanel.ROWS, count - done)), 1, sums);
        }
        for (int i = 0; i < m; i++) {
          means[i] = sums.get(0, 1 + i) / total;
          for (int j = i; j < m; j++) {
            products[i][j] = sums.get(1 + i, 1 + j) / total;
          }
        }
      }
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
