package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;

/**
 * The exact least-squares or ridge answer by the normal equations in double precision: columns are
 * centered and scaled, their products summed, and the system solved by Cholesky factorization with
 * diagonal pivoting.
 *
 * <p>Forming the products squares the condition number: singular values of the standardized X below
 * about 1e-7 of the largest (1e-6 for a million rows) cannot be told from zero. Columns beyond the
 * numerical rank get coefficient zero, which leaves the loss minimal.
 *
 * <p>Cost: n d^2 multiply-adds, d^3 / 3 for the factorization, 8 d^2 bytes twice.
 *
 * <p>Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), section 10.3, for
 * pivoting and rank; section 20.4 for the normal equations.
 *
 * @param coefficients [target][feature], in the units of the X and y that were given
 * @param intercept [target]; zeros without intercept
 * @param meanSquaredError [target], of the rows that were given
 * @param targetVariance [target]; the mean square about zero without intercept
 * @param rank numerical rank of the (centered) features
 */
@SuppressWarnings(
    "ArrayRecordComponent") // a result that is read once, not a value that is compared
public record ExactSolution(
    double[][] coefficients,
    double[] intercept,
    double[] meanSquaredError,
    double[] targetVariance,
    int rank) {
  /** Columns above which {@link #solve} refuses: two matrices of 8 d^2 bytes are then 6.4 GB. */
  public static final int MAX_FEATURES = 20_000;

  private static final int BLOCK_ROWS = 1024;

  /**
   * Solves for features X [n, d] and targets y [n, k] in host memory.
   *
   * @param index rows to use, I64, or null for all
   * @param count rows to use: the first of {@code index}, or of X
   * @param l2 ridge penalty {@code l2 |w|^2} next to the mean squared error; 0 for least squares
   * @throws IllegalArgumentException if a shape or type does not fit, or a value is not finite or
   *     so large that squares are not, with its row and column
   * @throws IndexOutOfBoundsException if there are fewer rows, or the index has what is not a row
   */
  public static ExactSolution solve(
      Backend backend,
      Tensor x,
      Tensor y,
      Tensor index,
      long count,
      boolean hasIntercept,
      double l2) {
    Checks.nonNegative("l2", l2);
    Checks.count("rows", count);
    if (x.cols() > MAX_FEATURES) {
      throw new IllegalArgumentException(
          "the exact solution is limited to %,d features, found %,d"
              .formatted(MAX_FEATURES, x.cols()));
    }
    NormalEquations.checkRows(new Batch(new DenseRows(x, y), index), 0, count);
    ColumnMoments xs = ColumnMoments.fit(x, index, count, hasIntercept, null);
    ColumnMoments ys = ColumnMoments.fit(y, index, count, hasIntercept, null);
    xs.requireFinite(x, index, count, null);
    ys.requireFinite(y, index, count, null);
    try (TensorArena arena = TensorArena.open("exact solution")) {
      Tensor products = products(backend, arena, x, y, index, count, xs, ys);
      return new StandardizedSystem(products, xs, ys, count).solve(l2);
    }
  }

  /** Z^T Z for Z = [X, y] centered and scaled, block by block of rows. */
  private static Tensor products(
      Backend backend,
      TensorArena arena,
      Tensor x,
      Tensor y,
      Tensor index,
      long count,
      ColumnMoments xs,
      ColumnMoments ys) {
    int d = xs.mean.length;
    int cols = d + ys.mean.length;
    Tensor block =
        arena.allocate("standardized block", DType.F64, Math.min(BLOCK_ROWS, count), cols);
    Tensor products = arena.allocate("products", DType.F64, cols, cols);
    Tensor blockOnDevice = backend.place(arena, block);
    Tensor productsOnDevice = backend.place(arena, products);
    for (long first = 0; first < count; first += block.rows()) {
      long rows = Math.min(block.rows(), count - first);
      for (long i = 0; i < rows; i++) {
        long row = index == null ? first + i : index.getLong(first + i);
        for (int c = 0; c < cols; c++) {
          // A constant column becomes zeros.
          int t = c - d;
          block.set(
              i, c, t < 0 ? xs.standardized(x.get(row, c), c) : ys.standardized(y.get(row, t), t));
        }
      }
      if (blockOnDevice != block) {
        backend.copy(block, blockOnDevice);
      }
      backend.linear().syrk(1, blockOnDevice.rows(0, rows), 1, productsOnDevice);
    }
    if (productsOnDevice != products) {
      backend.copy(productsOnDevice, products);
    }
    return products;
  }

  /** The standardized system on the heap, rows as arrays, which the compiler vectorizes. */
  private static final class StandardizedSystem {
    private final ColumnMoments xs;
    private final ColumnMoments ys;
    private final int d;
    private final int k;
    private final double count;
    private final double[][] products; // of columns, those of the targets behind the features
    private final double[][] a;

    StandardizedSystem(Tensor products, ColumnMoments xs, ColumnMoments ys, long count) {
      this.xs = xs;
      this.ys = ys;
      this.count = count;
      d = xs.mean.length;
      k = ys.mean.length;
      a = new double[d][];
      this.products = new double[d + k][];
      Arrays.setAll(this.products, i -> products.rows(i, 1).toArray());
    }

    ExactSolution solve(double l2) {
      for (int i = 0; i < d; i++) {
        a[i] = products[i].clone();
        // The penalty is on w in the units given, and w = z / scale.
        a[i][i] += count * l2 / xs.scale[i] / xs.scale[i];
      }
      int[] pivots = new int[d];
      int rank = factorize(pivots);
      double[][] coefficients = new double[k][d];
      double[] intercept = new double[k];
      double[] errors = new double[k];
      double[] variances = new double[k];
      for (int j = 0; j < k; j++) {
        double yScale = ys.scale[j];
        double[] right = products[d + j];
        double[] z = substitute(pivots, rank, right);
        // |y - Zz|^2 = y'y - 2 z'Z'y + z'Z'Zz, each term of size n: no cancellation beyond that of
        // R2 near 1.
        double error = right[d + j];
        for (int i = 0; i < d; i++) {
          double product = 0;
          for (int l = 0; l < d; l++) {
            product += products[i][l] * z[l];
          }
          error += z[i] * (product - 2 * right[i]);
        }
        errors[j] = Math.max(error, 0) / count * yScale * yScale;
        variances[j] = right[d + j] / count * yScale * yScale;
        intercept[j] = ys.rest[j] + ys.mean[j];
        for (int i = 0; i < d; i++) {
          coefficients[j][i] = z[i] * yScale / xs.scale[i];
          intercept[j] -= coefficients[j][i] * (xs.mean[i] + xs.rest[i]);
        }
      }
      return new ExactSolution(coefficients, intercept, errors, variances, rank);
    }

    /**
     * Right-looking factorization P'AP = U'U in place, upper part; returns the numerical rank. Rows
     * and columns are exchanged physically, so that the inner loop runs over adjacent elements.
     */
    private int factorize(int[] pivots) {
      double largest = 0;
      for (int i = 0; i < d; i++) {
        pivots[i] = i;
        largest = Math.max(largest, a[i][i]);
      }
      // What a pivot of a dependent column keeps is the rounding of n-term sums, which grows as a
      // random walk, and that of d eliminations.
      double tolerance = (10 * Math.sqrt(count) + d) * Math.ulp(1.0) * largest;
      for (int s = 0; s < d; s++) {
        int best = s;
        for (int i = s + 1; i < d; i++) {
          if (a[i][i] > a[best][best]) {
            best = i;
          }
        }
        if (!(a[best][best] > tolerance)) {
          return s;
        }
        exchange(s, best, pivots);
        double root = Math.sqrt(a[s][s]);
        double[] pivotRow = a[s];
        for (int j = s; j < d; j++) {
          pivotRow[j] /= root;
        }
        for (int i = s + 1; i < d; i++) {
          double factor = pivotRow[i];
          double[] row = a[i];
          for (int j = i; j < d; j++) {
            row[j] -= factor * pivotRow[j];
          }
        }
      }
      return d;
    }

    private void exchange(int s, int t, int[] pivots) {
      if (s == t) {
        return;
      }
      int pivot = pivots[s];
      pivots[s] = pivots[t];
      pivots[t] = pivot;
      for (int i = 0; i < d; i++) {
        if (i != s && i != t) {
          double[] ofS = a[Math.min(i, s)];
          double[] ofT = a[Math.min(i, t)];
          double held = ofS[Math.max(i, s)];
          ofS[Math.max(i, s)] = ofT[Math.max(i, t)];
          ofT[Math.max(i, t)] = held;
        }
      }
      double diagonal = a[s][s];
      a[s][s] = a[t][t];
      a[t][t] = diagonal;
    }

    private double[] substitute(int[] pivots, int rank, double[] rightSide) {
      double[] v = new double[rank];
      for (int i = 0; i < rank; i++) {
        double sum = rightSide[pivots[i]];
        for (int l = 0; l < i; l++) {
          sum -= a[l][i] * v[l];
        }
        v[i] = sum / a[i][i];
      }
      double[] z = new double[d];
      for (int i = rank - 1; i >= 0; i--) {
        double sum = v[i];
        for (int l = i + 1; l < rank; l++) {
          sum -= a[i][l] * z[pivots[l]];
        }
        z[pivots[i]] = sum / a[i][i];
      }
      return z;
    }
  }
}
