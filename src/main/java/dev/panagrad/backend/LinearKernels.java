package dev.panagrad.backend;

import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Dense linear algebra over row-major tensors, and the gradient of the mean squared error.
 *
 * <p>The public methods are the skin: they check element types, shapes, aliasing and liveness
 * before a byte changes, and name the tensor that is wrong. The protected methods are the kernels,
 * which backends implement. There is no default {@code gradient} composed of {@code gemv} calls:
 * every backend fuses, and the scalar one is the reference.
 *
 * <p>Element types: F32 or F64, the same for all operands of a call. Vectors are tensors of one
 * extent, or of one column. Outputs must not share memory with inputs.
 */
public abstract class LinearKernels implements AutoCloseable {
  private final StepTrace trace;
  private volatile boolean closed;

  /** Counts its gradient calls in that trace. */
  protected LinearKernels(StepTrace trace) {
    this.trace = trace;
  }

  /** Refuses later calls. The backend calls it when it is closed. */
  @Override
  public void close() {
    closed = true;
  }

  /** Throws {@link IllegalStateException} if the backend has been closed. */
  public final void requireOpen() {
    if (closed) {
      throw new IllegalStateException("kernels were used after their backend was closed");
    }
  }

  /** Whether there are gradients of other losses than the squared error. */
  public boolean hasLosses() {
    return false;
  }

  // ---- the skin

  /** The sum of {@code x_i * y_i}, accumulated in double precision across blocks. */
  public final double dot(Tensor x, Tensor y) {
    requireOpen();
    DType dtype = floating(x);
    vector(x, dtype);
    vector(y, dtype);
    y.requireCount(x.count());
    return dotKernel(x, y);
  }

  /** {@code y += alpha * x}. */
  public final void axpy(double alpha, Tensor x, Tensor y) {
    requireOpen();
    DType dtype = floating(x);
    vector(x, dtype);
    vector(y, dtype);
    y.requireCount(x.count());
    y.requireWritable();
    y.requireDisjoint(x);
    axpyKernel(alpha, x, y);
  }

  /**
   * {@code y += share * (x - y)}: moves y towards x by that part, with one rounding of the
   * difference and one of the sum. Equal elements stay as they are.
   */
  public final void lerp(double share, Tensor x, Tensor y) {
    requireOpen();
    DType dtype = floating(x);
    vector(x, dtype);
    vector(y, dtype);
    y.requireCount(x.count());
    y.requireWritable();
    y.requireDisjoint(x);
    lerpKernel(share, x, y);
  }

  /**
   * The Euclidean norm; scaled where squares would overflow or underflow. Infinite or NaN elements
   * give that.
   */
  public final double norm2(Tensor x) {
    requireOpen();
    vector(x, floating(x));
    return norm2Kernel(x);
  }

  /** The sum of magnitudes. */
  public final double norm1(Tensor x) {
    requireOpen();
    vector(x, floating(x));
    return norm1Kernel(x);
  }

  /** Whether no element is infinite or NaN. */
  public final boolean isFinite(Tensor x) {
    requireOpen();
    vector(x, floating(x));
    return isFiniteKernel(x);
  }

  /**
   * {@code y = alpha * op(A) x + beta * y}. With {@code beta = 0} the old content of y does not
   * matter, not even NaN.
   *
   * @param a matrix [m, n], any row stride
   * @param x vector [n], or [m] transposed
   * @param y vector [m], or [n] transposed
   */
  public final void gemv(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    requireOpen();
    DType dtype = floating(a);
    requirePlace(a);
    vector(x, dtype);
    vector(y, dtype);
    x.requireCount(transpose == Transpose.NO ? a.cols() : a.rows());
    y.requireCount(transpose == Transpose.NO ? a.rows() : a.cols());
    y.requireWritable();
    y.requireDisjoint(a);
    y.requireDisjoint(x);
    gemvKernel(transpose, alpha, a, x, beta, y);
  }

  /**
   * {@code C = alpha * op(A) op(B) + beta * C}, row strides free; {@code alpha} may be rounded to
   * the element type. With {@code beta = 0} the old content of C does not matter, not even NaN.
   */
  public final void gemm(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    requireOpen();
    DType dtype = floating(a);
    matrix(a, dtype);
    matrix(b, dtype);
    matrix(c, dtype);
    long m = transposeA == Transpose.NO ? a.rows() : a.cols();
    long k = transposeA == Transpose.NO ? a.cols() : a.rows();
    long n = transposeB == Transpose.NO ? b.cols() : b.rows();
    long inner = transposeB == Transpose.NO ? b.rows() : b.cols();
    if (inner != k) {
      throw new IllegalArgumentException(
          "gemm: op(%s) has %,d columns and op(%s) has %,d rows; they must agree"
              .formatted(a, k, b, inner));
    }
    c.requireShape(Shape.of(m, n));
    c.requireWritable();
    c.requireDisjoint(a);
    c.requireDisjoint(b);
    gemmKernel(transposeA, transposeB, alpha, a, b, beta, c);
  }

  /**
   * {@code C = alpha * A^T A + beta * C}, both triangles; C is symmetric before. With {@code beta =
   * 0} the old content of C does not matter, not even NaN.
   *
   * @param a matrix [n, d], any row stride
   * @param c matrix [d, d], any row stride
   */
  public final void syrk(double alpha, Tensor a, double beta, Tensor c) {
    requireOpen();
    DType dtype = floating(a);
    matrix(a, dtype);
    matrix(c, dtype);
    c.requireShape(Shape.of(a.cols(), a.cols()));
    c.requireWritable();
    c.requireDisjoint(a);
    syrkKernel(alpha, a, beta, c);
  }

  /**
   * Factorizes a symmetric matrix, {@code A = L L^T}, in place: the lower triangle is read and
   * becomes L, the rest stays as it is.
   *
   * <p>Source: Golub and Van Loan, Matrix Computations (2013), section 4.2.
   *
   * @param a matrix [d, d], any row stride
   * @return false if A is not positive definite; its lower triangle is lost then
   */
  public final boolean cholesky(Tensor a) {
    requireOpen();
    matrix(a, floating(a));
    a.requireShape(Shape.of(a.rows(), a.rows()));
    a.requireWritable();
    return choleskyKernel(a);
  }

  /**
   * Predictions {@code out = X W^T + b} for rows {@code [first, first + count)} of X.
   *
   * @param x features [n, d], any row stride
   * @param w weights [k, d]
   * @param b intercepts [k], or null
   * @param out [count, k], or [count] for one output
   */
  public final void predict(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
    requireOpen();
    DType dtype = floating(x);
    matrix(x, dtype);
    matrix(w, dtype);
    w.requireContiguous();
    columns(w, x);
    outputs(w);
    range("predict", x, first, count);
    intercepts(w, b, dtype);
    target(out, dtype, count, w.rows());
    out.requireWritable();
    out.requireDisjoint(x);
    out.requireDisjoint(w);
    if (b != null) {
      out.requireDisjoint(b);
    }
    predictKernel(x, first, count, w, b, out);
  }

  /**
   * {@link #gradient(Tensor, Tensor, Tensor, long, long, Tensor, Tensor, Tensor, Tensor, Tensor)}
   * of all rows.
   */
  public final void gradient(
      Tensor x, Tensor y, Tensor w, Tensor b, Tensor gw, Tensor gb, Tensor loss) {
    gradient(x, y, null, 0, x.rows(), w, b, gw, gb, loss);
  }

  /**
   * The gradient of the mean squared error of a linear model on a batch, and the error itself, in
   * one call.
   *
   * <pre>
   *   r_ij   = sum_f x_if w_jf + b_j - y_ij             residual of row i, output j
   *   loss_j = (1/count) sum_i r_ij^2
   *   gw_jf  = (2/count) sum_i r_ij x_if
   *   gb_j   = (2/count) sum_i r_ij
   * </pre>
   *
   * The gradient is that of the sum of the outputs' losses, so that each output is fitted as if it
   * were alone. Sums over rows are in double precision across blocks of rows. The mean is over the
   * rows of this batch, however many they are.
   *
   * @param x features [n, d], any row stride
   * @param y targets [n, k], or [n] for one output; any row stride
   * @param index rows of the batch, I64, or null for rows in order
   * @param first first position of the batch: in {@code index}, or the first row
   * @param count rows in the batch, at least 1
   * @param w weights [k, d]
   * @param b intercepts [k], or null for none
   * @param gw receives the gradient of the weights [k, d]
   * @param gb receives the gradient of the intercepts [k]; null exactly if {@code b} is
   * @param loss receives the mean squared error of each output [k], F64, or null
   * @throws IllegalArgumentException if a shape, type or buffer does not fit; nothing is written
   *     then
   * @throws IndexOutOfBoundsException if an entry of {@code index} is not a row; nothing is written
   *     then
   */
  public final void gradient(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    checkGradient(x, y, index, first, count, w, b, gw, gb, loss);
    trace.countGradient();
    gradientKernel(x, y, index, first, count, w, b, gw, gb, loss);
  }

  /**
   * {@link #gradient(Tensor, Tensor, Tensor, long, long, Tensor, Tensor, Tensor, Tensor, Tensor)}
   * of another loss, in the same pass over the rows.
   *
   * <pre>
   *   z_ij   = sum_f x_if w_jf + b_j + offset_i
   *   loss_j = (1/count) sum_i s_i loss(z_ij, y_ij)
   *   gw_jf  = (1/count) sum_i s_i loss'(z_ij, y_ij) x_if
   *   gb_j   = (1/count) sum_i s_i loss'(z_ij, y_ij)
   * </pre>
   *
   * The mean is over the number of rows, not over their weights: for that, give weights whose mean
   * is 1.
   *
   * @throws UnsupportedOperationException if these kernels have no other losses
   */
  public final void gradient(
      RowLoss rowLoss,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    checkGradient(x, y, index, first, count, w, b, gw, gb, loss);
    for (Tensor perRow : new Tensor[] {rowLoss.weights(), rowLoss.offset()}) {
      if (perRow != null) {
        vector(perRow, x.dtype());
        perRow.requireCount(x.rows());
        gw.requireDisjoint(perRow);
      }
    }
    trace.countGradient();
    gradientKernel(rowLoss, x, y, index, first, count, w, b, gw, gb, loss);
  }

  private void checkGradient(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    requireOpen();
    DType dtype = floating(x);
    matrix(x, dtype);
    matrix(w, dtype);
    w.requireContiguous();
    columns(w, x);
    outputs(w);
    target(y, dtype, x.rows(), w.rows());
    batch(x, index, first, count);
    intercepts(w, b, dtype);
    matrix(gw, dtype);
    if (gw.rows() != w.rows() || gw.cols() != w.cols()) {
      gw.requireShape(w.shape());
    }
    gw.requireContiguous();
    output(gw, x, y, w, b);
    if ((b == null) != (gb == null)) {
      throw new IllegalArgumentException(
          "gradient: intercepts and their gradient come together; "
              + (b == null ? "b" : "gb")
              + " is null");
    }
    if (gb != null) {
      intercepts(w, gb, dtype);
      output(gb, x, y, w, b);
      gb.requireDisjoint(gw);
    }
    if (loss != null) {
      vector(loss, DType.F64);
      loss.requireCount(w.rows());
      output(loss, x, y, w, b);
      loss.requireDisjoint(gw);
      if (gb != null) {
        loss.requireDisjoint(gb);
      }
    }
  }

  private static DType floating(Tensor t) {
    if (!t.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "tensor '" + t.name() + "' is " + t.dtype() + " where F32 or F64 is needed");
    }
    return t.dtype();
  }

  private void vector(Tensor t, DType dtype) {
    t.requireDType(dtype);
    t.requireContiguous();
    requirePlace(t);
  }

  private void matrix(Tensor t, DType dtype) {
    t.requireDType(dtype);
    if (t.shape().rank() != 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where a matrix is needed".formatted(t.name(), t.shape()));
    }
    requirePlace(t);
  }

  private static void columns(Tensor w, Tensor x) {
    if (w.cols() != x.cols()) {
      throw new IllegalArgumentException(
          "weights '%s' have shape %s for %,d features, '%s' has %,d columns"
              .formatted(w.name(), w.shape(), w.cols(), x.name(), x.cols()));
    }
  }

  private static void outputs(Tensor w) {
    if (w.rows() < 1) {
      throw new IllegalArgumentException(
          "weights '%s' have shape %s: at least one output is needed"
              .formatted(w.name(), w.shape()));
    }
  }

  private void intercepts(Tensor w, Tensor b, DType dtype) {
    if (b != null) {
      vector(b, dtype);
      b.requireCount(w.rows());
    }
  }

  private void target(Tensor y, DType dtype, long rows, long outputs) {
    y.requireDType(dtype);
    requirePlace(y);
    if (y.rows() != rows || y.cols() != outputs || y.shape().rank() > 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, %d] is needed"
              .formatted(y.name(), y.shape(), rows, outputs));
    }
  }

  private static void range(String call, Tensor t, long first, long count) {
    if (first < 0 || count < 0 || first > t.rows() - count) {
      throw new IndexOutOfBoundsException(
          "%s: rows [%d, %d + %d) are not inside tensor '%s' of %,d rows"
              .formatted(call, first, first, count, t.name(), t.rows()));
    }
  }

  private void batch(Tensor x, Tensor index, long first, long count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "gradient: a batch of " + count + " rows has no mean; at least 1 row is needed");
    }
    if (index == null) {
      range("gradient", x, first, count);
      return;
    }
    vector(index, DType.I64);
    range("gradient", index, first, count);
    requireRows(index, first, count, x);
  }

  /**
   * Throws unless the operand is alive and where these kernels compute: in host memory, unless a
   * backend with a device overrides it.
   */
  protected void requirePlace(Tensor operand) {
    operand.requireHost();
  }

  /**
   * Throws {@link IndexOutOfBoundsException} if an entry of {@code [first, first + count)} is not a
   * row of x. A backend with an index on its device overrides it.
   */
  protected void requireRows(Tensor index, long first, long count, Tensor x) {
    long rows = x.rows();
    MemorySegment numbers = index.segment();
    for (long i = first; i < first + count; i++) {
      long row = numbers.get(ValueLayout.JAVA_LONG, index.byteOffset() + i * Long.BYTES);
      if (row < 0 || row >= rows) {
        throw new IndexOutOfBoundsException(
            "gradient: entry %d of '%s' is row %d, tensor '%s' has %,d rows"
                .formatted(i, index.name(), row, x.name(), rows));
      }
    }
  }

  private void output(Tensor out, Tensor x, Tensor y, Tensor w, Tensor b) {
    out.requireWritable();
    out.requireDisjoint(x);
    out.requireDisjoint(y);
    out.requireDisjoint(w);
    if (b != null) {
      out.requireDisjoint(b);
    }
  }

  // ---- the kernels

  /** {@link #dot} on checked operands. */
  protected abstract double dotKernel(Tensor x, Tensor y);

  /** {@link #axpy} on checked operands. */
  protected abstract void axpyKernel(double alpha, Tensor x, Tensor y);

  /** {@link #lerp} on checked operands. For backends that compute in host memory. */
  protected void lerpKernel(double share, Tensor x, Tensor y) {
    throw new UnsupportedOperationException("these kernels do not mix vectors");
  }

  /** {@link #norm2} of a checked operand. */
  protected abstract double norm2Kernel(Tensor x);

  /** {@link #norm1} of a checked operand. */
  protected abstract double norm1Kernel(Tensor x);

  /** {@link #isFinite} of a checked operand. */
  protected abstract boolean isFiniteKernel(Tensor x);

  /** {@link #gemv} on checked operands. */
  protected abstract void gemvKernel(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y);

  /** {@link #gemm} on checked operands. */
  protected abstract void gemmKernel(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c);

  /** {@link #syrk} on checked operands. */
  protected abstract void syrkKernel(double alpha, Tensor a, double beta, Tensor c);

  /** {@link #cholesky} of a checked operand. */
  protected abstract boolean choleskyKernel(Tensor a);

  /** {@link #predict} on checked operands. */
  protected abstract void predictKernel(
      Tensor x, long first, long count, Tensor w, Tensor b, Tensor out);

  /** The gradient of another loss, on checked operands. */
  protected void gradientKernel(
      RowLoss rowLoss,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    throw new UnsupportedOperationException(
        "these kernels have the squared error alone, found loss '%s'; backends in host memory have all losses"
            .formatted(rowLoss.loss().name()));
  }

  /** {@link #gradient} on checked operands. */
  protected abstract void gradientKernel(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss);
}
