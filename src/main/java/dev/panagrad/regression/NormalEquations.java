package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Locale;

/**
 * Holds the normal equations {@code G w = c} of rows: the products of columns are summed once, and
 * the gradient of the mean squared error then costs d^2 multiply-adds an output instead of 2 n d.
 *
 * <pre>
 *   s_i, S, u                        weights, their sum, their mean S/n; all 1 without weights
 *   m, m_y                           weighted means of the columns; zero without intercept
 *   z_i = x_i - m,  v_i = y_i - m_y  centered rows, and each output's centered target
 *   G = (1/S) sum_i s_i z_i z_i^T    [d, d]
 *   c = (1/S) sum_i s_i v_i z_i      [d]
 *   q = (1/S) sum_i s_i v_i^2
 *
 *   s    = b + m . w - m_y           mean residual
 *   gw   = 2 u (G w - c + s m)
 *   gb   = 2 u s
 *   loss = u (w . (G w - 2 c) + q + s^2)
 * </pre>
 *
 * A row's residual is {@code z_i . w - v_i + s}, and centered columns sum to zero, so that this is
 * the gradient that {@link LinearAlgebra#gradient} computes row by row. Centering keeps the squares
 * of the means out of G, c and q, where they would cancel. What rounding leaves in the means is
 * summed with the products, added to the means, and taken out of G, c and q (Chan, Golub and
 * LeVeque 1983).
 *
 * <p><b>Accuracy.</b> All sums are in F64, whatever the type of the data; products of F32 values
 * are exact there. Let {@code gamma_i = i u / (1 - i u)} with {@code u = 2^-53}, {@code t_f} and
 * {@code t_y} the root mean squares of centered columns, and for one output
 *
 * <pre>
 *   S = sum_f t_f |w_f| + t_y              gamma = gamma_(n + 2 d + 12)
 *   A = |b| + sum_f |m_f w_f| + |m_y|      0 without intercept
 *   e = gamma S + gamma_(2 d + 12) A
 *
 *   |error of gw_f| &lt;= 6 gamma t_f (S + |s| + e) + 2 |m_f| e
 *   |error of gb|   &lt;= 2 e
 *   |error of loss| &lt;= 3 gamma S^2 + 2 |s| e + e^2
 * </pre>
 *
 * times u, before the gradient is rounded to its own type, for fewer than 10^7 rows and in the
 * absence of overflow and underflow. An entry of G is a sum of n products of two rounded
 * differences, divided by n: its error is at most {@code gamma_(n+3) t_f t_g} in any order of
 * summation (Higham 2002, section 3.1), thrice that with the corrections for the means, each of
 * which is at most {@code t_f}. By Cauchy and Schwarz {@code |G_fg| <= t_f t_g}, so the product
 * with w adds {@code gamma_d t_f S}. A mean is wrong by its own rounding, {@code u |m_f|}, and by
 * {@code gamma_(n+1) t_f} from the sum of the centered column, which is where e comes from. The 12
 * are the few operations that remain. Weights add the rounding of their sum and roots: n is then 2
 * n, and 12 is 20. Blocked sums and chance make actual errors far smaller than n u.
 *
 * <p><b>Limits.</b>
 *
 * <ul>
 *   <li>The condition number of G is the square of that of the centered X: a descent ends within
 *       about {@code u cond(X)^2 |w|} of the minimum instead of {@code u cond(X) |w|}, and columns
 *       that agree to half of F64's digits cannot be told apart.
 *   <li>The loss is a difference of terms of size q: its absolute error is of the order of {@code u
 *       q}, so that next to R2 = 1 no digit is left, and a negative one is given as 0. Who needs
 *       more digits computes the loss from the rows.
 *   <li>Squares of centered values must fit F64: beyond 1e150 they overflow, below 1e-150 they
 *       vanish. Infinite and NaN values of the data make gradient and loss NaN.
 * </ul>
 *
 * Source: Golub and Van Loan, Matrix Computations (2013), section 5.3, for the normal equations and
 * their sensitivity; Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 3.1
 * and 20.4.
 *
 * <p>Cost: n d (d + k) multiply-adds once, for k outputs; then a gradient reads 8 d^2 bytes instead
 * of all rows. Memory: see {@link #requiredBytes}.
 *
 * <p>Ownership: memory belongs to the arena; the data are not needed any more. A gradient allocates
 * nothing on the heap. Threading: one thread at a time.
 */
public final class NormalEquations {
  /** More features than this are refused: G then takes 3.2 GB. */
  public static final int MAX_FEATURES = 20_000;

  private final LinearAlgebra linear;
  private final int d;
  private final int k;
  private final boolean hasIntercept;
  private final CenteredProducts sums;
  private final Linear wide; // the weights as F64
  private final Tensor products; // G W^T [d, k]

  private NormalEquations(LinearAlgebra linear, TensorArena arena, CenteredProducts sums) {
    this.linear = linear;
    this.sums = sums;
    d = sums.mean.length;
    k = sums.targetMean.length;
    hasIntercept = sums.isCentered;
    wide = new Linear(arena.allocate("weights as F64", DType.F64, k, d), null);
    products = arena.allocate("X^T X W^T", DType.F64, d, k);
  }

  /**
   * Returns the native memory that normal equations of this size take, in bytes: {@code 8 (d^2 + 3
   * k d)}, and while they are built {@code 8 * 1024 (1 + d + k)} more. Throws if they would be
   * refused.
   */
  public static long requiredBytes(long features, long outputs) {
    if (features < 1 || outputs < 1) {
      throw new IllegalArgumentException(
          "normal equations need at least 1 feature and 1 output, found %,d and %,d"
              .formatted(features, outputs));
    }
    if (features > MAX_FEATURES) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the normal equations of %,d features take %.3g GB; they are limited to %,d features, %.3g GB; compute gradients from the rows",
              features,
              gigabytes((double) features),
              MAX_FEATURES,
              gigabytes(MAX_FEATURES)));
    }
    if (outputs > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "normal equations are limited to %,d outputs, found %,d"
              .formatted(Integer.MAX_VALUE, outputs));
    }
    return Double.BYTES
        * (features * features + 3 * outputs * features + RowPanel.ROWS * (1 + features + outputs));
  }

  private static double gigabytes(double features) {
    return Double.BYTES * features * features / 1e9;
  }

  /** Throws {@link IllegalArgumentException} if they would be refused on that backend. */
  public static void requireAccepted(Backend backend, long features, long outputs) {
    if (!backend.usesHostMemory()) {
      throw new IllegalArgumentException(
          "normal equations are computed in host memory, backend '%s' computes on its device; compute gradients from the rows"
              .formatted(backend.name()));
    }
    requiredBytes(features, outputs);
  }

  public static NormalEquations of(
      Backend backend, TensorArena arena, Tensor x, Tensor y, boolean hasIntercept) {
    return of(backend, arena, new Batch(x, y), 0, x.rows(), hasIntercept);
  }

  /**
   * Sums the normal equations of {@code count} positions of a batch from {@code first}. Reads the
   * rows twice with an intercept, else once, in panels of 1,024. A row of weight 0 has no part in
   * them, whatever it holds.
   *
   * @throws IllegalArgumentException if there is no row, rows have offsets, a weight is negative or
   *     not finite or all are 0, there are more than {@link #MAX_FEATURES} features, or the backend
   *     does not compute in host memory
   * @throws IndexOutOfBoundsException if the range is not inside, or an entry of the index is not a
   *     row
   */
  public static NormalEquations of(
      Backend backend,
      TensorArena arena,
      Batch batch,
      long first,
      long count,
      boolean hasIntercept) {
    LinearAlgebra linear = backend.linear();
    linear.requireOpen();
    checkRows(batch, first, count);
    DenseRows rows = batch.rows();
    requireAccepted(backend, rows.features(), rows.outputs());
    RelativeWeights weights = new RelativeWeights(rows.weights(), batch.index(), first, count);
    CenteredProducts sums =
        new CenteredProducts(
            arena, Math.toIntExact(rows.features()), Math.toIntExact(rows.outputs()), hasIntercept);
    sums.sum(linear, batch, first, count, weights);
    return new NormalEquations(linear, arena, sums);
  }

  private static void checkRows(Batch batch, long first, long count) {
    DenseRows rows = batch.rows();
    if (rows.offset() != null) {
      throw new IllegalArgumentException(
          "normal equations are for rows without offsets, found '%s'; compute gradients from the rows"
              .formatted(rows.offset().name()));
    }
    checkPositions(batch, first, count);
  }

  static void checkPositions(Batch batch, long first, long count) {
    DenseRows rows = batch.rows();
    rows.x().requireHost();
    rows.y().requireHost();
    if (count < 1) {
      throw new IllegalArgumentException(
          "least squares of " + count + " rows have no mean; at least 1 row is needed");
    }
    if (first < 0 || first > batch.positions() - count) {
      Tensor positions = batch.index() == null ? rows.x() : batch.index();
      throw new IndexOutOfBoundsException(
          "least squares: positions [%d, %d + %d) are not inside tensor '%s' of %,d rows"
              .formatted(first, first, count, positions.name(), batch.positions()));
    }
    for (long i = first; batch.index() != null && i < first + count; i++) {
      batch.row(i);
    }
  }

  /**
   * Computes the gradient of the mean squared error at parameters of F32 or F64, whatever the type
   * of the data was, and the error itself. What is refused has written nothing.
   */
  public void gradient(Linear model, Gradient into) {
    check(model, into);
    Tensor b = model.b();
    for (long i = 0; i < model.w().count(); i++) {
      Cells.set(wide.w(), i, Cells.get(model.w(), i));
    }
    linear.predict(sums.g, 0, d, wide, products);
    double u = sums.meanWeight;
    for (int j = 0; j < k; j++) {
      long row = (long) j * d;
      double s = 0;
      if (b != null) {
        for (int f = 0; f < d; f++) {
          s += sums.mean[f] * Cells.get(wide.w(), row + f);
        }
        s += Cells.get(b, j) - sums.targetMean[j];
        Cells.set(into.gb(), j, 2 * u * s);
      }
      double value = 0;
      for (int f = 0; f < d; f++) {
        double product = Cells.get(products, (long) f * k + j);
        double right = Cells.get(sums.c, row + f);
        value += Cells.get(wide.w(), row + f) * (product - 2 * right);
        Cells.set(into.gw(), row + f, 2 * u * (product - right + s * sums.mean[f]));
      }
      if (into.loss() != null) {
        // What is below zero is rounding.
        Cells.set(into.loss(), j, u * Math.max(value + sums.q[j] + s * s, 0));
      }
    }
  }

  private void check(Linear model, Gradient into) {
    linear.requireOpen();
    sums.g.requireHost();
    if (model.outputs() != k || model.features() != d) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, %d] is needed"
              .formatted(model.w().name(), model.w().shape(), k, d));
    }
    if ((model.b() != null) != hasIntercept) {
      throw new IllegalArgumentException(
          "normal equations with%s intercept: intercepts must%s be given, found b %s"
              .formatted(
                  hasIntercept ? "" : "out",
                  hasIntercept ? "" : " not",
                  model.b() == null ? "null" : "'" + model.b().name() + "'"));
    }
    into.requireFits(model);
    model.w().requireHost();
    into.gw().requireHost();
    into.requireDisjoint(model.w());
    into.requireDisjoint(model.b());
    if (model.b() != null) {
      model.b().requireHost();
      into.gb().requireHost();
    }
    if (into.loss() != null) {
      into.loss().requireHost();
    }
  }

  /**
   * Writes the product of the mean squared error's Hessian, for one output, with a vector of one
   * number per feature, then that of the intercept if there is one: {@code out_w = 2 u (G v_w + s
   * m)}, {@code out_b = 2 u s} with {@code s = m . v_w + v_b}.
   */
  public void multiplyHessian(double[] v, double[] out) {
    linear.requireOpen();
    requireLength(v, hasIntercept ? d + 1 : d);
    requireLength(out, v.length);
    double s = hasIntercept ? v[d] : 0;
    for (int f = 0; f < d; f++) {
      s += sums.mean[f] * v[f];
    }
    MemorySegment values = sums.g.segment();
    long at = sums.g.byteOffset();
    for (int f = 0; f < d; f++) {
      double sum = 0;
      for (int h = 0; h < d; h++, at += Double.BYTES) {
        sum += values.get(ValueLayout.JAVA_DOUBLE, at) * v[h];
      }
      out[f] = 2 * sums.meanWeight * (sum + s * sums.mean[f]);
    }
    if (hasIntercept) {
      out[d] = 2 * sums.meanWeight * s;
    }
  }

  /** Holds copies of m, G, c, m_y and q on the heap; means are zero without intercept. */
  @SuppressWarnings("ArrayRecordComponent") // read once, not compared
  public record Sums(double[] mean, double[][] g, double[][] c, double[] targetMean, double[] q) {}

  /** Returns copies of the sums over the rows. */
  public Sums sums() {
    return new Sums(
        sums.mean.clone(), rows(sums.g), rows(sums.c), sums.targetMean.clone(), sums.q.clone());
  }

  private static double[][] rows(Tensor t) {
    double[][] rows = new double[Math.toIntExact(t.rows())][];
    Arrays.setAll(rows, i -> t.rows(i, 1).toArray());
    return rows;
  }

  private static void requireLength(double[] found, int needed) {
    if (found.length != needed) {
      throw new IllegalArgumentException(
          "normal equations need an array of %d numbers, found %d".formatted(needed, found.length));
    }
  }
}
