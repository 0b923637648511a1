package dev.panagrad.backend.cuda;

/**
 * The gradient for many outputs, or for rows too wide for {@link RowGradient}: residuals of a part
 * of the rows, then their products with the same rows, two reads of X of which the second finds
 * what the caches kept.
 *
 * <pre>
 *   P = X W^T            cuBLAS, or row_products.cu for one output
 *   P = P + b - Y        residuals.cu, which sums them and their squares in F64
 *   S = S + P^T X        cuBLAS and accumulate_products.cu, which adds in F64, or column_sums.cu for one output
 * </pre>
 *
 * Sums over the rows of a part are in the element type where cuBLAS computes them, at most {@link
 * #PRODUCT_ROWS} rows; the parts are added in F64. So the error bound of the gradient has {@code
 * PRODUCT_ROWS} where the other kernels have 256.
 */
final class ProductGradient implements GradientSum {
  private static final int THREADS = 256;

  /** Rows that cuBLAS sums at a time: many enough for its full speed, few enough for F32. */
  private static final long PRODUCT_ROWS = 16 * 1024;

  /** Bytes of wide rows that the second pass may expect to find in the second-level cache. */
  private static final long CACHED_BYTES = 16L * 1024 * 1024;

  private static final long MAX_BLOCKS = 64;

  /** Rows of a block that sums residuals: several for each of its eight rows of threads. */
  private static final long MIN_RESIDUAL_ROWS = 64;

  private static final long PARTIAL_BYTES = 32L * 1024 * 1024;

  private final CudaQueue queue;
  private final Cublas cublas;
  private final CudaScratch partial;
  private final CudaScratch products;
  private final CudaScratch sums;
  private final CudaScratch residualSums;
  private final CudaScratch gathered;
  private final RowProducts rowProducts;
  private final TypedLaunch residuals;
  private final TypedLaunch gather;
  private final TypedLaunch accumulate;
  private final TypedLaunch combine;
  private GradientOperands operands;
  private boolean single;
  private long unit;
  private long rowsPerBlock;
  private long blocks;
  private long partialAddress;
  private long residualSumsAddress;

  ProductGradient(CudaQueue queue, Cublas cublas, CudaMemory memory, CudaScratch partial) {
    this.queue = queue;
    this.cublas = cublas;
    this.partial = partial;
    products = new CudaScratch(memory, "residuals");
    sums = new CudaScratch(memory, "products of residuals and rows");
    residualSums = new CudaScratch(memory, "sums of residuals");
    gathered = new CudaScratch(memory, "gathered rows");
    rowProducts = new RowProducts(queue);
    residuals = new TypedLaunch(queue, "residuals", 10);
    gather = new TypedLaunch(queue, "gather_rows", 7);
    accumulate = new TypedLaunch(queue, "accumulate_products", 6);
    combine = new TypedLaunch(queue, "gradient_combine", 8);
  }

  /** Chooses the parts and allocates what they need. */
  ProductGradient prepare(GradientOperands newOperands) {
    operands = newOperands;
    long d = operands.features;
    int size = operands.dtype.bytes();
    single = operands.outputs == 1;
    unit =
        single ? Math.clamp(CACHED_BYTES / Math.max(d * size, 1), 1, PRODUCT_ROWS) : PRODUCT_ROWS;
    long partialRowBytes = operands.outputs * operands.partialStride() * Double.BYTES;
    blocks = single ? Math.clamp(PARTIAL_BYTES / partialRowBytes, 1, MAX_BLOCKS) : 1;
    rowsPerBlock = Math.ceilDiv(unit, blocks);
    blocks = Math.ceilDiv(unit, rowsPerBlock);
    partialAddress = partial.address(blocks * partialRowBytes);
    long rows = Math.min(unit, operands.count);
    products.address(rows * operands.outputs * size);
    residualSumsAddress = residualSums.address(MAX_BLOCKS * operands.outputs * 2 * Double.BYTES);
    if (!single) {
      sums.address(operands.outputs * d * size);
    }
    return this;
  }

  @Override
  public long unit() {
    return unit;
  }

  @Override
  public void begin() {
    queue.flush();
    long bytes = blocks * operands.outputs * operands.partialStride() * Double.BYTES;
    queue.driver.clear(partialAddress, bytes, queue.stream);
  }

  @Override
  public void add(
      long x, long xStride, long y, long yStride, long index, long first, long rows, long done) {
    for (long part = 0; part < rows; part += unit) {
      long partRows = Math.min(unit, rows - part);
      if (single) {
        addSingle(x, xStride, y, yStride, index, first + part, partRows);
      } else {
        addProducts(x, xStride, y, yStride, index, first + part, partRows);
      }
    }
  }

  private void addSingle(
      long x, long xStride, long y, long yStride, long index, long first, long rows) {
    long r = products.address(rows * operands.dtype.bytes());
    queue.launch(
        rowProducts.products(
            operands.dtype,
            x,
            xStride,
            index,
            first,
            rows,
            operands.features,
            operands.w,
            operands.features,
            1,
            0,
            1,
            0,
            r,
            1));
    subtractTargets(r, y, yStride, index, first, rows);
    queue.launch(
        rowProducts.columnSums(
            operands.dtype,
            x,
            xStride,
            index,
            first,
            rows,
            operands.features,
            r,
            1,
            partialAddress,
            operands.partialStride(),
            rowsPerBlock,
            true));
    accumulate(0, rows);
  }

  private void addProducts(
      long x, long xStride, long y, long yStride, long index, long first, long rows) {
    long d = operands.features;
    int k = operands.outputs;
    int size = operands.dtype.bytes();
    long r = products.address(rows * k * size);
    long part = x + first * xStride * size;
    long partStride = xStride;
    if (index != 0) {
      part = gathered.address(Math.min(unit, operands.count) * d * size);
      partStride = d;
      queue.launch(
          gather
              .of(operands.dtype)
              .put(0, x)
              .put(1, xStride)
              .put(2, index)
              .put(3, first)
              .put(4, rows)
              .put(5, d)
              .put(6, part)
              .shape(RowProducts.elementBlocks(rows * d), 1, THREADS, 1));
    }
    queue.flush();
    cublas.gemm(
        operands.dtype, false, true, rows, k, d, 1, part, partStride, operands.w, d, 0, r, k);
    long sumsOfProducts = sums.address(k * d * size);
    subtractTargets(r, y, yStride, index, first, rows);
    cublas.gemm(
        operands.dtype, true, false, k, d, rows, 1, r, k, part, partStride, 0, sumsOfProducts, d);
    accumulate(sumsOfProducts, rows);
  }

  private void subtractTargets(long r, long y, long yStride, long index, long first, long rows) {
    long rowsPerResidualBlock = residualRows(rows);
    queue.launch(
        residuals
            .of(operands.dtype)
            .put(0, r)
            .put(1, operands.b)
            .put(2, y)
            .put(3, yStride)
            .put(4, index)
            .put(5, first)
            .put(6, rows)
            .putInt(7, operands.outputs)
            .put(8, rowsPerResidualBlock)
            .put(9, residualSumsAddress)
            .shape(
                Math.ceilDiv(operands.outputs, 32),
                Math.toIntExact(Math.ceilDiv(rows, rowsPerResidualBlock)),
                32,
                8));
  }

  private static long residualRows(long rows) {
    return Math.max(MIN_RESIDUAL_ROWS, Math.ceilDiv(rows, MAX_BLOCKS));
  }

  /** Adds a part's products, unless they are added already, and its residuals. */
  private void accumulate(long sumsOfProducts, long rows) {
    int k = operands.outputs;
    long elements = sumsOfProducts == 0 ? 2 : k * operands.features;
    queue.launch(
        accumulate
            .of(operands.dtype)
            .put(0, sumsOfProducts)
            .put(1, operands.features)
            .putInt(2, k)
            .put(3, residualSumsAddress)
            .put(4, Math.ceilDiv(rows, residualRows(rows)))
            .put(5, partialAddress)
            .shape(RowProducts.elementBlocks(elements), 1, THREADS, 1));
  }

  @Override
  public void finish() {
    queue.launch(RowGradient.combine(combine, operands, partialAddress, blocks));
  }
}
