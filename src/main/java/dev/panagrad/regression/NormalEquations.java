package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;

/**
 * The normal equations {@code G w = c} of rows that do not change: the products of columns are
 * summed once, and the gradient of the mean squared error at any w then costs d^2 multiply-adds for
 * each output instead of 2 n d.
 *
 * <pre>
 *   m, m_y                           means of the columns; zero without intercept
 *   z_i = x_i - m,  v_i = y_i - m_y  centered rows, and each output's centered target
 *   G = (1/n) sum_i z_i z_i^T        [d, d]
 *   c = (1/n) sum_i v_i z_i          [d]
 *   q = (1/n) sum_i v_i^2
 *
 *   s    = b + m . w - m_y           mean residual
 *   gw   = 2 (G w - c + s m)
 *   gb   = 2 s
 *   loss = w . (G w - 2 c) + q + s^2
 * </pre>
 *
 * A row's residual is {@code z_i . w - v_i + s}, and centered columns sum to zero, so that this is
 * the gradient that {@link LinearKernels#gradient} computes row by row. Centring keeps the squares
 * of the means out of G, c and q, where they would cancel. Rounded means leave columns that do not
 * quite sum to zero; the rest is summed with the products, added to the means, and taken out of G,
 * c and q (Chan, Golub and LeVeque 1983), so that the formulas hold for what is stored.
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
 *   |error of gw_f| <= 6 gamma t_f (S + |s| + e) + 2 |m_f| e
 *   |error of gb|   <= 2 e
 *   |error of loss| <= 3 gamma S^2 + 2 |s| e + e^2
 * </pre>
 *
 * before the gradient is rounded to its own type, for fewer than 10^7 rows and in the absence of
 * overflow and underflow. An entry of G is a sum of n products of two rounded differences, divided
 * by n: its error is at most {@code gamma_(n+3) t_f t_g} in any order of summation (Higham 2002,
 * section 3.1), thrice that with the corrections for the means, each of which is at most {@code
 * t_f}. By Cauchy and Schwarz {@code |G_fg| <= t_f t_g}, so the product with w adds {@code gamma_d
 * t_f S}. A mean is wrong by its own rounding, {@code u |m_f|}, and by {@code gamma_(n+1) t_f} from
 * the sum of the centered column, which is where e comes from. The 12 are the few operations that
 * remain. Blocked sums and chance make actual errors far smaller than n u.
 *
 * <p><b>Limits.</b>
 *
 * <ul>
 *   <li>The condition number of G is the square of that of the centered X. The row by row gradient
 *       {@code X^T (X w - y)} has errors in its residuals, which X^T multiplies: along a direction
 *       v in which columns nearly cancel they shrink with {@code |X v|}. Errors of G do not. A
 *       descent therefore ends within about {@code u cond(X)^2 |w|} of the minimum instead of
 *       {@code u cond(X) |w|}, and columns that agree to half of F64's digits cannot be told apart.
 *   <li>The loss is a difference of terms of size q: its absolute error is of the order of {@code u
 *       q}, so that next to R2 = 1 no digit is left. A negative one is given as 0. Following the
 *       loss from step to step, {@code loss' = loss + (w' - w) . (gw + gw') / 2}, would carry the
 *       first loss's rounding along and gain nothing; who needs more digits computes the loss from
 *       the rows.
 *   <li>Squares of centered values must fit F64: beyond 1e150 they overflow, below 1e-150 they
 *       vanish.
 *   <li>Infinite and NaN values of the data make gradient and loss NaN.
 * </ul>
 *
 * Source: Golub and Van Loan, Matrix Computations (2013), section 5.3, for the normal equations and
 * their sensitivity; Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 3.1
 * and 20.4.
 *
 * <p>Cost: n d (d + k) multiply-adds once, for k outputs; then a gradient reads 8 d^2 bytes instead
 * of all rows, so that it is the faster one where n is a few times d. Memory: see {@link
 * #requiredBytes}.
 *
 * <p>Ownership: memory belongs to the arena; the data are not needed any more. A gradient allocates
 * nothing on the heap. Bits depend on the backend and not on its threads. Threading: one thread at
 * a time.
 */
public final class NormalEquations {
  /** Features above which the normal equations are refused: G then takes 3.2 GB. */
  public static final int MAX_FEATURES = ExactSolution.MAX_FEATURES;

  private final LinearKernels linear;
  private final int d;
  private final int k;
  private final boolean hasIntercept;
  private final double[] mean;
  private final double[] targetMean;
  private final double[] q;
  private final Tensor g;
  private final Tensor c;

  /** The weights as F64. */
  private final Tensor wide;

  /** G W^T [d, k]. */
  private final Tensor products;

  private NormalEquations(
      LinearKernels linear, TensorArena arena, int d, int k, boolean hasIntercept) {
    this.linear = linear;
    this.d = d;
    this.k = k;
    this.hasIntercept = hasIntercept;
    this.mean = new double[d];
    this.targetMean = new double[k];
    this.q = new double[k];
    this.g = arena.allocate("X^T X", DType.F64, d, d);
    this.c = arena.allocate("X^T y", DType.F64, k, d);
    this.wide = arena.allocate("weights as F64", DType.F64, k, d);
    this.products = arena.allocate("X^T X W^T", DType.F64, d, k);
  }

  /**
   * The native memory that normal equations of this size take, in bytes: {@code 8 (d^2 + 3 k d)},
   * and while they are built {@code 8 * 1024 (d + k)} more.
   *
   * @throws IllegalArgumentException if they would be refused: more than {@link #MAX_FEATURES}
   *     features, or more outputs than an array holds
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
        * (features * features + 3 * outputs * features + RowPanel.ROWS * (features + outputs));
  }

  /** In double precision: the square of a number of features need not fit 63 bits. */
  private static double gigabytes(double features) {
    return Double.BYTES * features * features / 1e9;
  }

  /**
   * Throws {@link IllegalArgumentException} if normal equations of this size on that backend would
   * be refused.
   */
  public static void requireAccepted(Backend backend, long features, long outputs) {
    if (!backend.usesHostMemory()) {
      throw new IllegalArgumentException(
          "normal equations are computed in host memory, backend '%s' computes on its device; compute gradients from the rows"
              .formatted(backend.name()));
    }
    requiredBytes(features, outputs);
  }

  /** {@link #of(Backend, TensorArena, Tensor, Tensor, Tensor, long, long, boolean)} of all rows. */
  public static NormalEquations of(
      Backend backend, TensorArena arena, Tensor x, Tensor y, boolean hasIntercept) {
    return of(backend, arena, x, y, null, 0, x.rows(), hasIntercept);
  }

  /**
   * Sums the normal equations of {@code count} positions from {@code first}, of {@code index} or of
   * the rows. Reads the rows twice with an intercept, else once, in panels of 1,024.
   *
   * @param arena owner of the result
   * @param x features [n, d], any row stride
   * @param y targets [n, k], or [n] for one output; any row stride
   * @param index rows, I64, or null for rows in order
   * @param hasIntercept whether the model has one
   * @throws IllegalArgumentException if there is no row, a shape or type does not fit, there are
   *     more than {@link #MAX_FEATURES} features, or the backend does not compute in host memory;
   *     nothing is allocated then
   * @throws IndexOutOfBoundsException if the range is not inside, or an entry of {@code index} is
   *     not a row; nothing is allocated then
   */
  public static NormalEquations of(
      Backend backend,
      TensorArena arena,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      boolean hasIntercept) {
    backend.linear().requireOpen();
    checkRows(x, y, index, first, count);
    requireAccepted(backend, x.cols(), y.cols());
    NormalEquations equations =
        new NormalEquations(
            backend.linear(),
            arena,
            Math.toIntExact(x.cols()),
            Math.toIntExact(y.cols()),
            hasIntercept);
    try (TensorArena scratch = TensorArena.open("panels of rows")) {
      equations.sum(
          new RowPanel(scratch, x, index, count),
          new RowPanel(scratch, y, index, count),
          first,
          count);
    }
    return equations;
  }

  private static void checkRows(Tensor x, Tensor y, Tensor index, long first, long count) {
    requireFloating(x);
    requireMatrix(x);
    x.requireHost();
    y.requireDType(x.dtype());
    y.requireHost();
    if (y.rows() != x.rows() || y.shape().rank() > 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, outputs] is needed"
              .formatted(y.name(), y.shape(), x.rows()));
    }
    if (count < 1) {
      throw new IllegalArgumentException(
          "normal equations of " + count + " rows have no mean; at least 1 row is needed");
    }
    Tensor positions = index == null ? x : index;
    if (first < 0 || first > positions.rows() - count) {
      throw new IndexOutOfBoundsException(
          "normal equations: positions [%d, %d + %d) are not inside tensor '%s' of %,d rows"
              .formatted(first, first, count, positions.name(), positions.rows()));
    }
    if (index == null) {
      return;
    }
    index.requireDType(DType.I64);
    index.requireContiguous();
    for (long i = first; i < first + count; i++) {
      long row = index.getLong(i);
      if (row < 0 || row >= x.rows()) {
        throw new IndexOutOfBoundsException(
            "normal equations: entry %d of '%s' is row %d, tensor '%s' has %,d rows"
                .formatted(i, index.name(), row, x.name(), x.rows()));
      }
    }
  }

  private void sum(RowPanel features, RowPanel targets, long first, long count) {
    double[] rest = new double[d];
    double[] targetRest = new double[k];
    if (hasIntercept) {
      for (long done = 0; done < count; done += RowPanel.ROWS) {
        long rows = Math.min(RowPanel.ROWS, count - done);
        features.addSums(features.load(first + done, rows, rest), mean);
        targets.addSums(targets.load(first + done, rows, targetRest), targetMean);
      }
      divide(mean, count);
      divide(targetMean, count);
    }
    for (long done = 0; done < count; done += RowPanel.ROWS) {
      long rows = Math.min(RowPanel.ROWS, count - done);
      Tensor z = features.load(first + done, rows, mean);
      Tensor v = targets.load(first + done, rows, targetMean);
      linear.syrk(1, z, 1, g);
      linear.gemm(Transpose.YES, Transpose.NO, 1, v, z, 1, c);
      targets.addSquares(v, q);
      if (hasIntercept) {
        features.addSums(z, rest);
        targets.addSums(v, targetRest);
      }
    }
    divide(rest, count);
    divide(targetRest, count);
    center(g, rest, rest, count);
    center(c, targetRest, rest, count);
    for (int f = 0; f < d; f++) {
      mean[f] += rest[f];
    }
    for (int j = 0; j < k; j++) {
      q[j] = q[j] / count - targetRest[j] * targetRest[j];
      targetMean[j] += targetRest[j];
    }
  }

  private static void divide(double[] sums, long count) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] /= count;
    }
  }

  /** Means of products from their sums, less the products of what rounding left in the means. */
  private static void center(Tensor sums, double[] left, double[] right, long count) {
    MemorySegment values = sums.segment();
    long at = sums.byteOffset();
    for (double l : left) {
      for (int j = 0; j < right.length; j++, at += Double.BYTES) {
        double mean = values.get(ValueLayout.JAVA_DOUBLE, at) / count;
        values.set(ValueLayout.JAVA_DOUBLE, at, mean - l * right[j]);
      }
    }
  }

  /**
   * The gradient of the mean squared error at those parameters, and the error itself; arguments as
   * those of {@link LinearKernels#gradient}.
   *
   * @param w weights [k, d], F32 or F64, whatever the type of the data was
   * @param b intercepts [k]; null exactly if the normal equations have none
   * @param gw receives the gradient of the weights [k, d], of the type of w
   * @param gb receives the gradient of the intercepts [k]; null exactly if {@code b} is
   * @param loss receives the mean squared error of each output [k], F64, or null
   * @throws IllegalArgumentException if a shape, type or buffer does not fit; nothing is written
   *     then
   * @throws IllegalStateException if memory or the backend has been closed; nothing is written then
   */
  public void gradient(Tensor w, Tensor b, Tensor gw, Tensor gb, Tensor loss) {
    check(w, b, gw, gb, loss);
    widen(w);
    linear.predict(g, 0, d, wide, null, products);
    boolean isF32 = w.dtype() == DType.F32;
    for (int j = 0; j < k; j++) {
      long row = (long) j * d;
      double s = 0;
      if (b != null) {
        for (int f = 0; f < d; f++) {
          s += mean[f] * f64(wide, row + f);
        }
        s += (isF32 ? f32(b, j) : f64(b, j)) - targetMean[j];
        store(gb, isF32, j, 2 * s);
      }
      double value = 0;
      for (int f = 0; f < d; f++) {
        double product = f64(products, (long) f * k + j);
        double right = f64(c, row + f);
        value += f64(wide, row + f) * (product - 2 * right);
        store(gw, isF32, row + f, 2 * (product - right + s * mean[f]));
      }
      if (loss != null) {
        // What is below zero is rounding.
        store(loss, false, j, Math.max(value + q[j] + s * s, 0));
      }
    }
  }

  private void widen(Tensor w) {
    if (w.dtype() == DType.F64) {
      wide.copyFrom(w);
      return;
    }
    for (long i = 0; i < w.count(); i++) {
      store(wide, false, i, f32(w, i));
    }
  }

  private static double f32(Tensor t, long position) {
    return t.segment().get(ValueLayout.JAVA_FLOAT, t.byteOffset() + position * Float.BYTES);
  }

  private static double f64(Tensor t, long position) {
    return t.segment().get(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES);
  }

  private static void store(Tensor t, boolean isF32, long position, double value) {
    if (isF32) {
      long at = t.byteOffset() + position * Float.BYTES;
      t.segment().set(ValueLayout.JAVA_FLOAT, at, (float) value);
    } else {
      t.segment().set(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES, value);
    }
  }

  private void check(Tensor w, Tensor b, Tensor gw, Tensor gb, Tensor loss) {
    linear.requireOpen();
    g.requireHost();
    requireFloating(w);
    requireWeights(w);
    w.requireHost();
    requireWeights(gw);
    requireOutput(gw, w.dtype(), w, b);
    if ((b != null) != hasIntercept || (gb != null) != hasIntercept) {
      throw new IllegalArgumentException(
          "normal equations with%s intercept: intercepts and their gradient must%s be given, found b %s and gb %s"
              .formatted(
                  hasIntercept ? "" : "out",
                  hasIntercept ? "" : " not",
                  b == null ? "null" : "'" + b.name() + "'",
                  gb == null ? "null" : "'" + gb.name() + "'"));
    }
    if (b != null) {
      b.requireDType(w.dtype());
      b.requireCount(k);
      b.requireContiguous();
      b.requireHost();
      gb.requireCount(k);
      requireOutput(gb, w.dtype(), w, b);
      gb.requireDisjoint(gw);
    }
    if (loss != null) {
      loss.requireCount(k);
      requireOutput(loss, DType.F64, w, b);
      loss.requireDisjoint(gw);
      if (gb != null) {
        loss.requireDisjoint(gb);
      }
    }
  }

  /**
   * Writes the product of the mean squared error's Hessian, for one output, with a vector: {@code 2
   * Z^T Z v / n} for rows Z, with a column of ones if there is an intercept.
   *
   * <pre>
   *   s = m . v_w + v_b
   *   out_w = 2 (G v_w + s m)      out_b = 2 s
   * </pre>
   *
   * @param v one number per feature, then that of the intercept if there is one
   * @param out as long as v
   */
  public void multiplyHessian(double[] v, double[] out) {
    linear.requireOpen();
    double s = hasIntercept ? v[d] : 0;
    for (int f = 0; f < d; f++) {
      s += mean[f] * v[f];
    }
    MemorySegment values = g.segment();
    long at = g.byteOffset();
    for (int f = 0; f < d; f++) {
      double sum = 0;
      for (int h = 0; h < d; h++, at += Double.BYTES) {
        sum += values.get(ValueLayout.JAVA_DOUBLE, at) * v[h];
      }
      out[f] = 2 * (sum + s * mean[f]);
    }
    if (hasIntercept) {
      out[d] = 2 * s;
    }
  }

  /** A feature's mean, to be subtracted; zero without intercept. */
  public double mean(int feature) {
    return mean[feature];
  }

  /** An output's mean; zero without intercept. */
  public double targetMean(int output) {
    return targetMean[output];
  }

  /** The mean square q of an output's centered target. */
  public double targetSquares(int output) {
    return q[output];
  }

  /**
   * Copies one row of G, the mean products of a centered feature with all.
   *
   * @param to receives them [d]
   * @throws IllegalStateException if memory has been closed
   */
  public void copyProducts(int feature, double[] to) {
    for (int f = 0; f < d; f++) {
      to[f] = f64(g, (long) feature * d + f);
    }
  }

  /** The mean product of a centered feature with an output's centered target, an entry of c. */
  public double rightSide(int output, int feature) {
    return f64(c, (long) output * d + feature);
  }

  private static void requireFloating(Tensor t) {
    if (!t.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "tensor '" + t.name() + "' is " + t.dtype() + " where F32 or F64 is needed");
    }
  }

  private static void requireMatrix(Tensor t) {
    if (t.shape().rank() != 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where a matrix is needed".formatted(t.name(), t.shape()));
    }
  }

  private void requireWeights(Tensor t) {
    requireMatrix(t);
    if (t.rows() != k || t.cols() != d) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, %d] is needed".formatted(t.name(), t.shape(), k, d));
    }
    t.requireContiguous();
  }

  private static void requireOutput(Tensor out, DType dtype, Tensor w, Tensor b) {
    out.requireDType(dtype);
    out.requireContiguous();
    out.requireWritable();
    out.requireDisjoint(w);
    if (b != null) {
      out.requireDisjoint(b);
    }
  }
}
