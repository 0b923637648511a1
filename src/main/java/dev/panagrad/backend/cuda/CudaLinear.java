package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.scalar.ScalarLinear;
import dev.panagrad.backend.simd.SimdBackend;
import dev.panagrad.backend.simd.SimdProvider;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Linear algebra and gradients on the device. Calls return when the work is queued; those that
 * return a number wait for it.
 *
 * <p>X and y of {@link #gradient}, and X of {@link #predict}, may be in host memory: their rows are
 * then uploaded part by part. Everything else must be on the device.
 */
final class CudaLinear implements LinearKernels {
  private static final long MAX_BLOCKS = 1024;
  private static final long MIN_BLOCK_ROWS = 64;
  // Outputs up to which a product with each is faster than cuBLAS's start.
  private static final int FEW_OUTPUTS = 8;

  private static final long PARTIAL_BYTES = 32L * 1024 * 1024;

  private static final boolean HAS_VECTORS =
      new SimdProvider().probe() instanceof Availability.Available;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final Cublas cublas;
  private final VectorSums sums;
  private final RowUploads uploads;
  private final CudaScratch partial;
  private final RowGradient rowGradient;
  private final ProductGradient productGradient;
  private final CudaScratch differences;
  private final RowProducts rowProducts;
  private final ColumnSums columnSums;
  private final DeviceRows rows = new DeviceRows();
  private final TypedLaunch norm1;
  private final TypedLaunch finiteCheck;
  private final TypedLaunch axpy;
  private final TypedLaunch addIntercepts;
  private final TypedLaunch columnsCombine;
  private final GradientOperands operands = new GradientOperands();

  CudaLinear(
      CudaQueue queue, CudaMemory memory, Cublas cublas, VectorSums sums, RowUploads uploads) {
    this.queue = queue;
    this.memory = memory;
    this.cublas = cublas;
    this.sums = sums;
    this.uploads = uploads;
    partial = new CudaScratch(memory, "partial sums of rows");
    rowGradient = new RowGradient(queue, partial);
    productGradient = new ProductGradient(queue, cublas, memory, partial);
    differences = new CudaScratch(memory, "differences of vectors");
    rowProducts = new RowProducts(queue);
    columnSums = new ColumnSums(queue);
    norm1 = new TypedLaunch(queue, "norm1", 3);
    finiteCheck = new TypedLaunch(queue, "finite_check", 3);
    axpy = new TypedLaunch(queue, "axpy", 4);
    columnsCombine = new TypedLaunch(queue, "columns_combine", 7);
    addIntercepts = new TypedLaunch(queue, "add_intercepts", 5);
  }

  private long address(Tensor t) {
    return memory.address(t);
  }

  // ---- vectors

  @Override
  public double dot(Tensor x, Tensor y) {
    synchronized (queue) {
      begin();
      sums.dot(x.dtype(), address(x), address(y), x.count());
      return sums.value();
    }
  }

  @Override
  public void axpy(double alpha, Tensor x, Tensor y) {
    synchronized (queue) {
      begin();
      add(alpha, x.dtype(), address(x), address(y), x.count());
    }
  }

  private void add(double alpha, DType dtype, long x, long y, long count) {
    queue.launch(axpy.of(dtype).put(0, alpha).put(1, x, y, count).overElements(count));
  }

  /** The difference first, in memory of its own. */
  @Override
  public void lerp(double share, Tensor x, Tensor y) {
    synchronized (queue) {
      begin();
      long bytes = x.count() * x.dtype().bytes();
      if (bytes == 0) {
        return;
      }
      long from = address(x);
      long to = address(y);
      long difference = differences.address(bytes);
      queue.driver.copy(from, difference, bytes, queue.stream);
      add(-1, x.dtype(), to, difference, x.count());
      add(share, x.dtype(), difference, to, x.count());
    }
  }

  @Override
  public double norm2(Tensor x) {
    synchronized (queue) {
      begin();
      sums.squares(x.dtype(), address(x), x.count());
      return sums.norm(x.dtype());
    }
  }

  @Override
  public double norm1(Tensor x) {
    synchronized (queue) {
      begin();
      sums.sum(norm1, x.dtype(), address(x), x.count());
      return sums.value();
    }
  }

  @Override
  public boolean isFinite(Tensor x) {
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
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    synchronized (queue) {
      begin();
      DType dtype = a.dtype();
      long cols = a.cols();
      rows.setFeatures(a, 0, a.rows(), memory);
      if (transpose == Transpose.NO) {
        queue.launch(
            rowProducts
                .of(dtype, rows, cols)
                .with(address(x), cols, 1)
                .scaled(alpha, beta)
                .into(address(y), 1));
        return;
      }
      long maxBlocks =
          Math.clamp(PARTIAL_BYTES / (Math.max(cols, 1) * Double.BYTES), 1, MAX_BLOCKS);
      long rowsPerBlock = Math.max(MIN_BLOCK_ROWS, Math.ceilDiv(a.rows(), maxBlocks));
      long blocks = Math.ceilDiv(a.rows(), rowsPerBlock);
      long sumsAddress = partial.address(Math.max(1, blocks * cols) * Double.BYTES);
      if (blocks > 0) {
        queue.launch(
            columnSums
                .of(dtype, rows, cols)
                .weightedBy(address(x), 1)
                .into(sumsAddress, cols, rowsPerBlock, false));
      }
      queue.launch(
          columnsCombine
              .of(dtype)
              .put(0, sumsAddress, blocks, cols, cols)
              .put(4, alpha)
              .put(5, beta)
              .put(6, address(y))
              .shape(Math.max(1, Math.ceilDiv(cols, 32)), 1, 32, 8));
    }
  }

  @Override
  public void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    synchronized (queue) {
      begin();
      cublas.a.set(a, opA == Transpose.YES, memory);
      cublas.b.set(b, opB == Transpose.YES, memory);
      cublas.c.set(c, false, memory);
      cublas.gemm(c.dtype(), alpha, beta);
    }
  }

  @Override
  public boolean cholesky(Tensor a) {
    return onHost(
        here ->
            HAS_VECTORS
                ? SimdBackend.factorize(here.getFirst())
                : new ScalarLinear().cholesky(here.getFirst()),
        a);
  }

  @Override
  public void triangularize(Tensor r, Tensor blocks) {
    onHost(
        here -> {
          if (HAS_VECTORS) {
            SimdBackend.triangularize(here.getFirst(), here.getLast());
          } else {
            new ScalarLinear().triangularize(here.getFirst(), here.getLast());
          }
          return true;
        },
        r,
        blocks);
  }

  /**
   * Factorizes copies: cuBLAS has no factorization, and the engine factorizes once per exact
   * solution. Costs a copy in each direction.
   */
  private boolean onHost(Predicate<List<Tensor>> factorization, Tensor... there) {
    try (TensorArena arena = TensorArena.open("factorization")) {
      List<Tensor> here =
          Stream.of(there).map(t -> arena.allocate(t.name(), t.dtype(), t.shape())).toList();
      synchronized (queue) {
        queue.enter();
        for (int i = 0; i < there.length; i++) {
          HostCopies.download(queue, address(there[i]), there[i], here.get(i));
        }
      }
      boolean isDone = factorization.test(here);
      synchronized (queue) {
        queue.enter();
        for (int i = 0; i < there.length; i++) {
          HostCopies.upload(queue, here.get(i), address(there[i]), there[i]);
        }
      }
      return isDone;
    }
  }

  @Override
  public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    synchronized (queue) {
      begin();
      if (x.isHost()) {
        uploads.bring(x, null, null, first, count, 1, part -> predict(part, model, out));
      } else {
        predict(rows.setFeatures(x, first, count, memory), model, out);
      }
    }
  }

  private void predict(DeviceRows part, Linear model, Tensor out) {
    DType dtype = out.dtype();
    int k = Math.toIntExact(model.outputs());
    long d = model.features();
    long w = memory.address(model.w());
    long b = memory.addressOrZero(model.b());
    long to = memory.address(out) + part.done * out.rowStride() * dtype.bytes();
    if (k <= FEW_OUTPUTS) {
      queue.launch(rowProducts.of(dtype, part, d).with(w, d, k).plus(b).into(to, out.rowStride()));
      return;
    }
    long x = part.x + part.first * part.xStride * dtype.bytes();
    cublas.a.set(x, part.xStride, part.count, d, false);
    cublas.b.set(model.w(), true, memory);
    cublas.c.set(to, DeviceMatrix.stride(out), part.count, k, false);
    cublas.gemm(dtype, 1, 0);
    if (b != 0) {
      queue.launch(
          addIntercepts
              .of(dtype)
              .put(0, to, DeviceMatrix.stride(out), part.count, k)
              .put(4, b)
              .overElements(part.count * k));
    }
  }

  // ---- gradients

  @Override
  public boolean usesHostMemory() {
    return false;
  }

  @Override
  public void requirePlace(Tensor operand, boolean mayBeUploaded) {
    if (mayBeUploaded && operand.isHost()) {
      operand.requireUsable();
    } else {
      address(operand);
    }
  }

  @Override
  public boolean supports(Loss loss) {
    return loss instanceof Squared;
  }

  @Override
  public boolean supportsWeights() {
    return false;
  }

  /** What lies on the device was looked at when it was copied there. */
  private static void requireRows(Batch batch) {
    if (batch.index() != null && batch.index().storage() instanceof CudaStorage storage) {
      long rows = batch.rows().count();
      if (storage.leastRow() < 0 || storage.largestRow() >= rows) {
        throw new IndexOutOfBoundsException(
            "gradient: '%s' has been given row numbers from %d to %d, tensor '%s' has %,d rows"
                .formatted(
                    batch.index().name(),
                    storage.leastRow(),
                    storage.largestRow(),
                    batch.rows().x().name(),
                    rows));
      }
    }
  }

  @Override
  public void gradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    synchronized (queue) {
      begin();
      requireRows(batch);
      operands.set(model, into, count, memory);
      boolean fits = RowGradient.isFor(count, operands.features, operands.outputs);
      GradientSum sum = fits ? rowGradient.prepare(operands) : productGradient.prepare(operands);
      DenseRows all = batch.rows();
      if (all.x().isHost()) {
        Batch order = batch.index() == null ? null : batch;
        uploads.bring(all.x(), all.y(), order, first, count, sum.unit(), sum);
      } else {
        sum.add(rows.set(all, batch.index(), first, count, memory));
      }
      sum.finish();
    }
  }
}
