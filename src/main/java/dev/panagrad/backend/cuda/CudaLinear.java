package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * Linear algebra and gradients on the device. Calls return when the work is queued; those that
 * return a number wait for it.
 *
 * <p>X and y of {@link #gradient}, and X of {@link #predict}, may be in host memory: their rows are
 * then uploaded part by part. Everything else must be on the device.
 */
final class CudaLinear extends LinearKernels {
  private static final int THREADS = 256;

  private static final long MAX_BLOCKS = 1024;
  private static final long MIN_BLOCK_ROWS = 64;
  private static final long PARTIAL_BYTES = 32L * 1024 * 1024;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final Cublas cublas;
  private final VectorSums sums;
  private final RowUploads uploads;
  private final CudaScratch partial;
  private final RowGradient rowGradient;
  private final ProductGradient productGradient;
  private final RowProducts rowProducts;
  private final Predictions predictions;
  private final TypedLaunch norm1;
  private final TypedLaunch finiteCheck;
  private final TypedLaunch axpy;
  private final TypedLaunch columnsCombine;
  private final GradientOperands operands = new GradientOperands();
  private Backend host;

  CudaLinear(
      CudaQueue queue, CudaMemory memory, Cublas cublas, VectorSums sums, RowUploads uploads) {
    super(queue.trace);
    this.queue = queue;
    this.memory = memory;
    this.cublas = cublas;
    this.sums = sums;
    this.uploads = uploads;
    partial = new CudaScratch(memory, "partial sums of rows");
    rowGradient = new RowGradient(queue, partial);
    productGradient = new ProductGradient(queue, cublas, memory, partial);
    rowProducts = new RowProducts(queue);
    norm1 = new TypedLaunch(queue, "norm1", 3);
    finiteCheck = new TypedLaunch(queue, "finite_check", 3);
    axpy = new TypedLaunch(queue, "axpy", 4);
    columnsCombine = new TypedLaunch(queue, "columns_combine", 7);
    predictions = new Predictions(queue, memory, cublas, uploads, rowProducts);
  }

  /** The device address of the first element. */
  private long address(Tensor t) {
    return address(t, memory);
  }

  /**
   * The device address of the first element.
   *
   * @throws IllegalArgumentException if the tensor is not in this backend's memory
   */
  static long address(Tensor t, CudaMemory memory) {
    if (t.storage() instanceof CudaStorage storage && storage.isOf(memory)) {
      // Again, now that the queue's lock is held: another thread may have closed the arena.
      t.requireUsable();
      return storage.address() + t.byteOffset();
    }
    throw new IllegalArgumentException(
        "tensor '%s' is %s, and backend 'cuda' computes in its own device memory; use Backend.place or Backend.allocate"
            .formatted(
                t.name(), t.isHost() ? "in host memory" : "in the memory of another backend"));
  }

  private long addressOrZero(Tensor t) {
    return t == null ? 0 : address(t);
  }

  // ---- vectors

  @Override
  protected double dotKernel(Tensor x, Tensor y) {
    synchronized (queue) {
      begin();
      sums.dot(x.dtype(), address(x), address(y), x.count());
      return sums.value();
    }
  }

  @Override
  protected void axpyKernel(double alpha, Tensor x, Tensor y) {
    synchronized (queue) {
      begin();
      queue.launch(
          axpy.of(x.dtype())
              .put(0, alpha)
              .put(1, address(x))
              .put(2, address(y))
              .put(3, x.count())
              .shape(RowProducts.elementBlocks(x.count()), 1, THREADS, 1));
    }
  }

  @Override
  protected double norm2Kernel(Tensor x) {
    synchronized (queue) {
      begin();
      sums.squares(x.dtype(), address(x), x.count());
      return sums.norm(x.dtype());
    }
  }

  @Override
  protected double norm1Kernel(Tensor x) {
    synchronized (queue) {
      begin();
      sums.sum(norm1, x.dtype(), address(x), x.count());
      return sums.value();
    }
  }

  @Override
  protected boolean isFiniteKernel(Tensor x) {
    synchronized (queue) {
      begin();
      sums.sum(finiteCheck, x.dtype(), address(x), x.count());
      return sums.value() == 0;
    }
  }

  /** Arguments of a launch that is held back must not be written again: it is started first. */
  private void begin() {
    queue.enter();
    queue.flush();
  }

  // ---- products

  @Override
  protected void gemvKernel(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    synchronized (queue) {
      begin();
      DType dtype = a.dtype();
      if (transpose == Transpose.NO) {
        queue.launch(
            rowProducts.products(
                dtype,
                address(a),
                a.rowStride(),
                0,
                0,
                a.rows(),
                a.cols(),
                address(x),
                a.cols(),
                1,
                0,
                alpha,
                beta,
                address(y),
                1));
        return;
      }
      long rows = a.rows();
      long cols = a.cols();
      long maxBlocks =
          Math.clamp(PARTIAL_BYTES / (Math.max(cols, 1) * Double.BYTES), 1, MAX_BLOCKS);
      long rowsPerBlock = Math.max(MIN_BLOCK_ROWS, Math.ceilDiv(rows, maxBlocks));
      long blocks = Math.ceilDiv(rows, rowsPerBlock);
      long sumsAddress = partial.address(Math.max(1, blocks * cols) * Double.BYTES);
      if (blocks > 0) {
        queue.launch(
            rowProducts.columnSums(
                dtype,
                address(a),
                a.rowStride(),
                0,
                0,
                rows,
                cols,
                address(x),
                1,
                sumsAddress,
                cols,
                rowsPerBlock,
                false));
      }
      queue.launch(
          columnsCombine
              .of(dtype)
              .put(0, sumsAddress)
              .put(1, blocks)
              .put(2, cols)
              .put(3, cols)
              .put(4, alpha)
              .put(5, beta)
              .put(6, address(y))
              .shape(Math.max(1, Math.ceilDiv(cols, 32)), 1, 32, 8));
    }
  }

  @Override
  protected void gemmKernel(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    synchronized (queue) {
      begin();
      boolean ta = transposeA == Transpose.YES;
      boolean tb = transposeB == Transpose.YES;
      cublas.gemm(
          c.dtype(),
          ta,
          tb,
          c.rows(),
          c.cols(),
          ta ? a.rows() : a.cols(),
          alpha,
          address(a),
          stride(a),
          address(b),
          stride(b),
          beta,
          address(c),
          stride(c));
    }
  }

  /** BLAS wants at least the row's length, even of a matrix of one row. */
  static long stride(Tensor t) {
    return Math.max(t.rowStride(), t.cols());
  }

  @Override
  protected void syrkKernel(double alpha, Tensor a, double beta, Tensor c) {
    synchronized (queue) {
      begin();
      cublas.gemm(
          c.dtype(),
          true,
          false,
          c.rows(),
          c.cols(),
          a.rows(),
          alpha,
          address(a),
          stride(a),
          address(a),
          stride(a),
          beta,
          address(c),
          stride(c));
    }
  }

  /**
   * On the host, by its best backend: cuBLAS has no factorization, and the engine factorizes once
   * per exact solution. Costs a copy in each direction.
   */
  @Override
  protected boolean choleskyKernel(Tensor a) {
    try (TensorArena arena = TensorArena.open("cholesky")) {
      Tensor onHost = arena.allocate(a.name(), a.dtype(), a.shape());
      synchronized (queue) {
        queue.enter();
        HostCopies.download(queue, address(a), a, onHost);
        if (host == null) {
          host = Backends.openHost(BackendOptions.defaults());
        }
      }
      boolean definite = host.linear().cholesky(onHost);
      synchronized (queue) {
        queue.enter();
        HostCopies.upload(queue, onHost, address(a), a);
      }
      return definite;
    }
  }

  @Override
  protected void predictKernel(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
    synchronized (queue) {
      begin();
      if (count > 0) {
        predictions.predict(x, first, count, w, b, out);
      }
    }
  }

  // ---- gradients

  /** Host tensors are refused by the kernels that cannot upload them, before they start. */
  @Override
  protected void requirePlace(Tensor operand) {
    operand.requireUsable();
    if (!operand.isHost()) {
      address(operand);
    }
  }

  @Override
  protected void requireRows(Tensor index, long first, long count, Tensor x) {
    if (index.isHost()) {
      super.requireRows(index, first, count, x);
      return;
    }
    // What lies on the device was looked at when it was copied there.
    CudaStorage storage = (CudaStorage) index.storage();
    if (storage.leastRow() < 0 || storage.largestRow() >= x.rows()) {
      throw new IndexOutOfBoundsException(
          "gradient: '%s' has been given row numbers from %d to %d, tensor '%s' has %,d rows"
              .formatted(
                  index.name(), storage.leastRow(), storage.largestRow(), x.name(), x.rows()));
    }
  }

  @Override
  protected void gradientKernel(
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
    synchronized (queue) {
      begin();
      requireTogether(x, y, index);
      operands.dtype = w.dtype();
      operands.features = w.cols();
      operands.outputs = Math.toIntExact(w.rows());
      operands.count = count;
      operands.w = address(w);
      operands.b = addressOrZero(b);
      operands.gw = address(gw);
      operands.gb = addressOrZero(gb);
      operands.loss = addressOrZero(loss);
      boolean fits = RowGradient.isFor(count, operands.features, operands.outputs);
      GradientSum sum = fits ? rowGradient.prepare(operands) : productGradient.prepare(operands);
      sum.begin();
      if (x.isHost()) {
        uploads.bring(
            x,
            y,
            index,
            first,
            count,
            sum.unit(),
            (xAt, xStride, yAt, yStride, rows, done) ->
                sum.add(xAt, xStride, yAt, yStride, 0, 0, rows, done));
      } else {
        sum.add(
            address(x),
            stride(x),
            address(y),
            y.rowStride(),
            addressOrZero(index),
            first,
            count,
            0);
      }
      sum.finish();
    }
  }

  private static void requireTogether(Tensor x, Tensor y, Tensor index) {
    if (x.isHost() != y.isHost()) {
      throw apart(x, y);
    }
    if (index != null && x.isHost() != index.isHost()) {
      throw apart(x, index);
    }
  }

  private static IllegalArgumentException apart(Tensor x, Tensor other) {
    return new IllegalArgumentException(
        "gradient: '%s' is %s and '%s' %s; both must be on the device, or both in host memory"
            .formatted(x.name(), where(x), other.name(), where(other)));
  }

  private static String where(Tensor t) {
    return t.isHost() ? "in host memory" : "on the device";
  }

  @Override
  public void close() {
    super.close();
    if (host != null) {
      host.close();
    }
  }
}
