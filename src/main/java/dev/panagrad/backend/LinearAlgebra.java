package dev.panagrad.backend;

import dev.panagrad.loss.Loss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.Objects;

/**
 * Computes dense linear algebra over row-major tensors, and the gradients of linear models. This is
 * the checked skin of a backend's {@link LinearKernels}: it checks element types, shapes, overlap,
 * life and place of memory before a byte changes, and names the tensor that is wrong.
 *
 * <p>Element types: F32 or F64, the same for all operands of a call. A vector is a contiguous
 * tensor of any shape, read in row-major order: [n], [n, 1], [1, n]. Outputs must not share memory
 * with inputs.
 *
 * <p>Every method throws {@link IllegalArgumentException} if an operand does not fit, and {@link
 * IllegalStateException} if memory or the backend was closed; outputs are as before then.
 */
public final class LinearAlgebra {
  private final Lifetime lifetime;
  private final LinearKernels f32;
  private final LinearKernels f64;
  private final ProductKernels productsF32;
  private final ProductKernels productsF64;
  private final StepTrace trace;
  private final boolean onHost;

  /** Checks calls of those kernels, and counts gradients in that trace. */
  public LinearAlgebra(Lifetime lifetime, LinearKernels f32, LinearKernels f64, StepTrace trace) {
    this(lifetime, f32, f64, f32, f64, trace);
  }

  /** Takes products from elsewhere than the rest. */
  public LinearAlgebra(
      Lifetime lifetime,
      LinearKernels f32,
      LinearKernels f64,
      ProductKernels productsF32,
      ProductKernels productsF64,
      StepTrace trace) {
    this.lifetime = lifetime;
    this.f32 = f32;
    this.f64 = f64;
    this.productsF32 = productsF32;
    this.productsF64 = productsF64;
    this.trace = trace;
    onHost = f32.usesHostMemory();
  }

  private LinearKernels kernels(DType dtype) {
    return dtype == DType.F32 ? f32 : f64;
  }

  private ProductKernels products(DType dtype) {
    return dtype == DType.F32 ? productsF32 : productsF64;
  }

  /** Throws {@link IllegalStateException} if the backend has been closed. */
  public void requireOpen() {
    lifetime.requireOpen();
  }

  /** True if there are gradients of that loss; all backends in host memory have all. */
  public boolean supports(Loss loss) {
    return f32.supports(loss);
  }

  /** True if rows may have weights and offsets, as on all backends in host memory. */
  public boolean supportsWeights() {
    return f32.supportsWeights();
  }

  /** Sums {@code x_i * y_i}, in double precision across blocks. */
  public double dot(Tensor x, Tensor y) {
    requireVectors(x, y);
    return kernels(x.dtype()).dot(x, y);
  }

  /** Computes {@code y += alpha * x}. */
  public void axpy(double alpha, Tensor x, Tensor y) {
    requireVectors(x, y);
    requireOutput(y, x);
    kernels(x.dtype()).axpy(alpha, x, y);
  }

  /** Sets {@code y += share * (x - y)}, rounding difference and sum once: equal elements stay. */
  public void lerp(double share, Tensor x, Tensor y) {
    requireVectors(x, y);
    requireOutput(y, x);
    kernels(x.dtype()).lerp(share, x, y);
  }

  /** Returns the Euclidean norm; squares may overflow or underflow; NaN and infinity spread. */
  public double norm2(Tensor x) {
    requireVectors(x, x);
    return kernels(x.dtype()).norm2(x);
  }

  /** Returns the sum of magnitudes. */
  public double norm1(Tensor x) {
    requireVectors(x, x);
    return kernels(x.dtype()).norm1(x);
  }

  /** True if no element is infinite or NaN. */
  public boolean isFinite(Tensor x) {
    requireVectors(x, x);
    return kernels(x.dtype()).isFinite(x);
  }

  /**
   * Computes {@code y = alpha * op(A) x + beta * y}. With {@code beta = 0} the old content of y
   * does not matter, not even NaN.
   *
   * @param a matrix [m, n], any row stride
   * @param x vector of n elements, or m transposed
   * @param y vector of m elements, or n transposed
   */
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    requireGemv(transpose, a, x, y);
    products(a.dtype()).gemv(transpose, alpha, a, Operands.flat(x), beta, Operands.flat(y));
  }

  /** Prepares {@link #gemv} with these operands and factors, and throws what it throws. */
  public PreparedCall prepareGemv(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    requireGemv(transpose, a, x, y);
    ProductKernels kernels = products(a.dtype());
    Tensor from = Operands.flat(x);
    Tensor to = Operands.flat(y);
    return prepared(() -> kernels.gemv(transpose, alpha, a, from, beta, to), a, x, y);
  }

  private void requireGemv(Transpose transpose, Tensor a, Tensor x, Tensor y) {
    requireOpen();
    DType dtype = matrix(a);
    boolean isPlain = Objects.requireNonNull(transpose, "transpose") == Transpose.NO;
    Operands.vector(x, dtype, isPlain ? a.cols() : a.rows());
    Operands.vector(y, dtype, isPlain ? a.rows() : a.cols());
    place(x);
    place(y);
    requireOutput(y, a);
    y.requireDisjoint(x);
  }

  /**
   * Computes {@code C = alpha * op(A) op(B) + beta * C}; row strides are free, alpha may be rounded
   * to the element type. With {@code beta = 0} the old content of C does not matter, not even NaN.
   */
  public void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    requireGemm(opA, opB, a, b, c);
    if (c.count() > 0) {
      products(a.dtype()).gemm(opA, opB, alpha, a, b, beta, c);
    }
  }

  /** Prepares {@link #gemm} likewise; of many small products, each is a call of its own. */
  public PreparedCall prepareGemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    requireGemm(opA, opB, a, b, c);
    ProductKernels kernels = products(a.dtype());
    Runnable gemm = () -> kernels.gemm(opA, opB, alpha, a, b, beta, c);
    return prepared(c.count() == 0 ? () -> {} : gemm, a, b, c);
  }

  private void requireGemm(Transpose opA, Transpose opB, Tensor a, Tensor b, Tensor c) {
    requireOpen();
    Objects.requireNonNull(opA, "opA");
    Objects.requireNonNull(opB, "opB");
    DType dtype = matrix(a);
    Operands.matrix(b, dtype);
    Operands.matrix(c, dtype);
    place(b);
    place(c);
    long m = opA == Transpose.NO ? a.rows() : a.cols();
    long k = opA == Transpose.NO ? a.cols() : a.rows();
    long n = opB == Transpose.NO ? b.cols() : b.rows();
    long inner = opB == Transpose.NO ? b.rows() : b.cols();
    if (inner != k) {
      throw new IllegalArgumentException(
          "gemm: op(%s) has %,d columns and op(%s) has %,d rows; they must agree"
              .formatted(a, k, b, inner));
    }
    Operands.size(c, m, n);
    requireOutput(c, a);
    c.requireDisjoint(b);
  }

  /**
   * Computes {@code C = alpha * A^T A + beta * C}, both triangles; C is symmetric before. With
   * {@code beta = 0} the old content of C does not matter, not even NaN.
   *
   * @param a matrix [n, d], any row stride
   * @param c matrix [d, d], any row stride
   */
  public void syrk(double alpha, Tensor a, double beta, Tensor c) {
    requireOpen();
    Operands.matrix(c, matrix(a));
    place(c);
    Operands.size(c, a.cols(), a.cols());
    requireOutput(c, a);
    products(a.dtype()).syrk(alpha, a, beta, c);
  }

  /**
   * Factorizes a symmetric matrix, {@code A = L L^T}, in place: the lower triangle is read and
   * becomes L, the rest stays as it is.
   *
   * <p>Source: Golub and Van Loan, Matrix Computations (2013), section 4.2.
   *
   * @param a matrix [d, d], any row stride
   * @return false if A is not positive definite, or an element of its lower triangle is infinite or
   *     NaN; the lower triangle is lost then
   */
  public boolean cholesky(Tensor a) {
    requireOpen();
    matrix(a);
    Operands.size(a, a.rows(), a.rows());
    a.requireWritable();
    return products(a.dtype()).cholesky(a);
  }

  /**
   * Replaces each of several upper triangles R [m, m] by the R of the QR factorization of {@code
   * [R; A]}, with a block of rows A [b, m] for each: {@code R^T R} grows by {@code A^T A}.
   * Beginning with zeros, the R of any number of rows comes from their blocks, and the R of parts,
   * put in as blocks, become that of all. Signs of the diagonal are arbitrary. Householder
   * reflections take one row after the other, in the same order for any number of threads.
   *
   * <p>Source: Golub and Van Loan, Matrix Computations (2013), sections 5.2 and 6.5.3; Demmel and
   * others (2012), Communication-optimal parallel and sequential QR and LU factorizations.
   *
   * @param r F64 [p m, m], below each other; what is below a diagonal is neither read nor written
   * @param blocks F64 [p m, b], each block transposed, so that its columns are adjacent in memory;
   *     squares of its elements must neither overflow nor vanish; overwritten
   */
  public void triangularize(Tensor r, Tensor blocks) {
    requireOpen();
    Operands.matrix(r, DType.F64);
    Operands.matrix(blocks, DType.F64);
    long m = r.cols();
    if (m == 0 || r.rows() % m != 0) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s is no pile of square matrices".formatted(r.name(), r.shape()));
    }
    Operands.size(blocks, r.rows(), blocks.cols());
    place(r);
    place(blocks);
    requireOutput(r, blocks);
    blocks.requireWritable();
    f64.triangularize(r, blocks);
  }

  /**
   * Computes predictions {@code out = X W^T + b} for rows {@code [first, first + count)} of X.
   *
   * @param x features [n, d], any row stride
   * @param out [count, k], or [count] for one output; any row stride
   */
  public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    requirePredict(x, first, count, model, out);
    if (count > 0) {
      kernels(model.dtype()).predict(x, first, count, model, out);
    }
  }

  /** Prepares {@link #predict} of these rows likewise. */
  public PreparedCall preparePredict(Tensor x, long first, long count, Linear model, Tensor out) {
    requirePredict(x, first, count, model, out);
    LinearKernels kernels = kernels(model.dtype());
    return prepared(
        count == 0 ? () -> {} : () -> kernels.predict(x, first, count, model, out),
        x,
        model.w(),
        model.b(),
        out);
  }

  private void requirePredict(Tensor x, long first, long count, Linear model, Tensor out) {
    requireOpen();
    Tensor w = Objects.requireNonNull(model, "model").w();
    Operands.matrix(x, model.dtype());
    Operands.columns(w, x);
    Operands.range("predict", x, x.rows(), first, count);
    Operands.table(out, model.dtype(), count, model.outputs());
    place(x, true);
    place(w);
    place(model.b());
    place(out);
    requireOutput(out, x);
    out.requireDisjoint(w);
    if (model.b() != null) {
      out.requireDisjoint(model.b());
    }
  }

  /** Computes {@link #gradient(Batch, long, long, Loss, Linear, Gradient)} of all rows. */
  public void gradient(DenseRows rows, Loss loss, Linear model, Gradient into) {
    gradient(new Batch(rows), 0, rows.count(), loss, model, into);
  }

  /**
   * Computes the gradient of the mean loss of a linear model on the positions {@code [first, first
   * + count)} of a batch, and the loss itself, in one call.
   *
   * <pre>
   *   z_ij   = sum_f x_if w_jf + b_j + offset_i         prediction for row i, output j
   *   loss_j = (1/count) sum_i s_i loss(z_ij, y_ij)
   *   gw_jf  = (1/count) sum_i s_i loss'(z_ij, y_ij) x_if
   *   gb_j   = (1/count) sum_i s_i loss'(z_ij, y_ij)
   * </pre>
   *
   * The gradient is that of the sum of the outputs' losses, so that each output is fitted as if it
   * were alone. Sums over rows are in double precision across blocks of rows. The mean is over the
   * number of rows of this call, not over their weights s: for that, give weights whose mean is 1.
   *
   * @param count at least 1
   * @throws IndexOutOfBoundsException if the range is not inside, or an entry of the index is not a
   *     row; nothing is written then
   */
  public void gradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    requireGradient(batch, first, count, loss, model, into);
    trace.count(StepTrace.Event.GRADIENT);
    kernels(model.dtype()).gradient(batch, first, count, loss, model, into);
  }

  /** Prepares {@link #gradient(Batch, long, long, Loss, Linear, Gradient)} likewise. */
  public PreparedCall prepareGradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    requireGradient(batch, first, count, loss, model, into);
    LinearKernels kernels = kernels(model.dtype());
    DenseRows rows = batch.rows();
    return prepared(
        () -> {
          into.requireUsable();
          trace.count(StepTrace.Event.GRADIENT);
          kernels.gradient(batch, first, count, loss, model, into);
        },
        rows.x(),
        rows.y(),
        rows.weights(),
        rows.offset(),
        batch.index(),
        model.w(),
        model.b(),
        into.gw(),
        into.gb(),
        into.loss());
  }

  private PreparedCall prepared(Runnable kernel, Tensor... operands) {
    return new PreparedCall(lifetime, onHost, kernel, operands);
  }

  private void requireGradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    requireOpen();
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(into, "into");
    DenseRows rows = Objects.requireNonNull(batch, "batch").rows();
    if (count < 1) {
      throw new IllegalArgumentException(
          "gradient: a batch of " + count + " rows has no mean; at least 1 row is needed");
    }
    if (first < 0 || first > batch.positions() - count) {
      Tensor positions = batch.index() == null ? rows.x() : batch.index();
      Operands.range("gradient", positions, batch.positions(), first, count);
    }
    Operands.fit(rows, model, into);
    if (!onHost) {
      requireSupported(rows, loss);
    }
    placePair(model.w(), model.b());
    placePair(into.gw(), into.gb());
    place(into.loss());
    input(rows.x(), into);
    input(rows.y(), into);
    input(rows.weights(), into);
    input(rows.offset(), into);
    input(batch.index(), into);
    into.requireDisjoint(model.w());
    into.requireDisjoint(model.b());
  }

  private void requireSupported(DenseRows rows, Loss loss) {
    if (!supports(loss) || (!rows.isPlain() && !supportsWeights())) {
      throw new IllegalArgumentException(
          "backend '%s' computes gradients of the unweighted squared loss alone, found loss '%s'%s; use a backend in host memory"
              .formatted(
                  lifetime.backendName(),
                  loss.name(),
                  rows.isPlain() ? "" : " of rows with weights or offsets"));
    }
  }

  /** Parameters are most often views of one storage, whose life need not be asked for twice. */
  private void placePair(Tensor weights, Tensor intercepts) {
    place(weights);
    if (intercepts != null && intercepts.storage() != weights.storage()) {
      place(intercepts);
    }
  }

  private void place(Tensor t) {
    if (t != null) {
      place(t, false);
    }
  }

  private void place(Tensor t, boolean mayBeUploaded) {
    if (onHost) {
      t.requireHost();
    } else {
      f32.requirePlace(t, mayBeUploaded);
    }
  }

  private void input(Tensor t, Gradient into) {
    if (t != null) {
      place(t, true);
      into.requireDisjoint(t);
    }
  }

  private void requireVectors(Tensor x, Tensor y) {
    requireOpen();
    DType dtype = Operands.floating(x);
    Operands.vector(x, dtype);
    place(x);
    if (y != x) {
      Operands.vector(y, dtype, x.count());
      place(y);
    }
  }

  private DType matrix(Tensor a) {
    Operands.matrix(a, Operands.floating(a));
    place(a);
    return a.dtype();
  }

  private static void requireOutput(Tensor out, Tensor input) {
    out.requireWritable();
    out.requireDisjoint(input);
  }
}
