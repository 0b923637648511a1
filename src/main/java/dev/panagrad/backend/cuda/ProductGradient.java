package dev.panagrad.backend.cuda;

/**
 * The gradient for many outputs, or for rows too wide for {@link RowGradient}: residuals of a part
 * of the rows, then their products with the same rows, two reads of X of which the second finds
 * what the caches kept.
 *
 * <pre>
 *                  many outputs                          one output, wide rows
 *   P = X W^T      cuBLAS                                row_products.cu, in slices of the columns
 *   P = P + b - Y  residuals.cu, which sums them and their squares in F64
 *   S = S + P^T X  cuBLAS and accumulate_products.cu     column_sums.cu
 * </pre>
 *
 * Sums over the rows of a part are in the element type where cuBLAS computes them, at most {@link
 * #PRODUCT_ROWS} rows; the parts are added in F64. So the error bound of the gradient has {@code
 * PRODUCT_ROWS} where the other kernels have 256.
 */
final class ProductGradient implements GradientSum {
  private static final int WARP = 32;
  // Rows that cuBLAS sums at a time: many enough for its full speed, few enough for F32.
  private static final long PRODUCT_ROWS = 16 * 1024;
  // Bytes of rows, beyond which fewer are taken: an upload holds a part twice.
  private static final long PRODUCT_BYTES = 128L * 1024 * 1024;

  private static final long MIN_PRODUCT_ROWS = 256;
  // Bytes of wide rows that the second pass may expect to find in the second-level cache.
  private static final long CACHED_BYTES = 32L * 1024 * 1024;
  // Blocks of rows of one part, each with sums of its own.
  private static final long MAX_BLOCKS = 64;
  // Threads beyond which more blocks of rows only write more partial sums.
  private static final long ENOUGH_THREADS = 256 * 1024;
  // Warps beyond which more slices of wide rows only write more partial products.
  private static final long ENOUGH_WARPS = 8 * 1024;

  private static final long MIN_SLICE_COLUMNS = 1024;
  // One thread adds the slices of a residual.
  private static final long MAX_SLICES = 512;
  // Rows of a block that sums residuals of many outputs.
  private static final long MIN_RESIDUAL_ROWS = 64;
  // Threads of a block along the outputs and along the rows: 32 by 8, for one output 1 by 32.
  private static final int RESIDUAL_ROW_THREADS = 8;

  private final CudaQueue queue;
  private final Cublas cublas;
  private final CudaScratch partial;
  private final CudaScratch products;
  private final CudaScratch sums;
  private final CudaScratch residualSums;
  private final CudaScratch gathered;
  private final RowProducts rowProducts;
  private final ColumnSums columnSums;
  private final DeviceRows part = new DeviceRows();
  private final TypedLaunch residuals;
  private final TypedLaunch gather;
  private final TypedLaunch accumulate;
  private final TypedLaunch combine;
  private GradientOperands operands;
  private boolean single;
  private long unit;
  private int slices;
  private long rowsPerBlock;
  private long blocks;
  private long partialAddress;

  ProductGradient(CudaQueue queue, Cublas cublas, CudaMemory memory, CudaScratch partial) {
    this.queue = queue;
    this.cublas = cublas;
    this.partial = partial;
    products = new CudaScratch(memory, "residuals");
    sums = new CudaScratch(memory, "products of residuals and rows");
    residualSums = new CudaScratch(memory, "sums of residuals");
    gathered = new CudaScratch(memory, "gathered rows");
    rowProducts = new RowProducts(queue);
    columnSums = new ColumnSums(queue);
    residuals = new TypedLaunch(queue, "residuals", 14);
    gather = new TypedLaunch(queue, "gather_rows", 8);
    accumulate = new TypedLaunch(queue, "accumulate_products", 7);
    combine = new TypedLaunch(queue, "gradient_combine", 8);
  }

  ProductGradient prepare(GradientOperands newOperands) {
    operands = newOperands;
    long d = operands.features;
    int size = operands.dtype.bytes();
    single = operands.outputs == 1;
    long rowBytes = Math.max(d * size, 1);
    unit =
        single
            ? Math.clamp(CACHED_BYTES / rowBytes, 1, PRODUCT_ROWS)
            : Math.clamp(PRODUCT_BYTES / rowBytes, MIN_PRODUCT_ROWS, PRODUCT_ROWS);
    long partRows = Math.min(unit, operands.count);
    if (single) {
      slices =
          (int)
              Math.clamp(
                  Math.min(ENOUGH_WARPS / partRows, MAX_SLICES),
                  1,
                  Math.max(1, Math.ceilDiv(d, MIN_SLICE_COLUMNS)));
      long wanted = Math.clamp(ENOUGH_THREADS / Math.max(d, 1), 1, MAX_BLOCKS);
      rowsPerBlock = Math.ceilDiv(partRows, wanted);
      blocks = Math.ceilDiv(partRows, rowsPerBlock);
    } else {
      slices = 1;
      rowsPerBlock = Math.max(MIN_RESIDUAL_ROWS, Math.ceilDiv(partRows, MAX_BLOCKS));
      blocks = 1;
      sums.address(operands.outputs * d * size);
      residualSums.address(MAX_BLOCKS * operands.outputs * 2 * Double.BYTES);
    }
    partialAddress =
        partial.address(blocks * operands.outputs * operands.partialStride() * Double.BYTES);
    products.address(slices * partRows * operands.outputs * size);
    return this;
  }

  @Override
  public long unit() {
    return unit;
  }

  @Override
  public void add(DeviceRows rows) {
    for (long from = 0; from < rows.count; from += unit) {
      part.setPart(rows, from, Math.min(unit, rows.count - from));
      if (single) {
        addSingle();
      } else {
        addProducts();
      }
    }
  }

  private void addSingle() {
    long d = operands.features;
    boolean isFirst = part.done == 0;
    long r = products.address(slices * part.count * operands.dtype.bytes());
    queue.defer(
        rowProducts.of(operands.dtype, part, d).with(operands.w, d, 1).intoSlices(r, slices));
    queue.defer(
        residuals(r)
            // Behind the columns' sums of the same rows.
            .put(10, partialAddress + d * Double.BYTES, operands.partialStride())
            .put(12, 0, isFirst ? 0 : 1)
            .shape(1, Math.toIntExact(Math.ceilDiv(part.count, rowsPerBlock)), 1, WARP));
    queue.defer(
        columnSums
            .of(operands.dtype, part, d)
            .weightedBy(r, 1)
            .into(partialAddress, operands.partialStride(), rowsPerBlock, !isFirst));
  }

  private void addProducts() {
    long d = operands.features;
    int k = operands.outputs;
    int size = operands.dtype.bytes();
    long rows = part.count;
    long r = this.products.address(rows * k * size);
    long x = part.x + part.first * part.xStride * size;
    long xStride = part.xStride;
    if (part.index != 0) {
      x = gathered.address(Math.min(unit, operands.count) * d * size);
      xStride = d;
      queue.launch(
          gather
              .of(operands.dtype)
              .put(0, part.x, part.xStride, part.index, part.first)
              .put(4, rows, d, x, d)
              .overElements(rows * d));
    }
    queue.flush();
    cublas.a.set(x, xStride, rows, d, false);
    cublas.b.set(operands.w, d, k, d, true);
    cublas.c.set(r, k, rows, k, false);
    cublas.gemm(operands.dtype, 1, 0);
    long residualBlocks = Math.ceilDiv(rows, rowsPerBlock);
    long residualSumsAddress = residualSums.address(residualBlocks * k * 2 * Double.BYTES);
    queue.launch(
        residuals(r)
            .put(10, residualSumsAddress, 2L * k, 2, 0)
            .shape(
                Math.ceilDiv(k, WARP),
                Math.toIntExact(residualBlocks),
                WARP,
                RESIDUAL_ROW_THREADS));
    long products = sums.address(k * d * size);
    cublas.a.set(r, k, rows, k, true);
    cublas.b.set(x, xStride, rows, d, false);
    cublas.c.set(products, d, k, d, false);
    cublas.gemm(operands.dtype, 1, 0);
    queue.launch(
        accumulate
            .of(operands.dtype)
            .put(0, products, d, k)
            .put(3, residualSumsAddress, residualBlocks)
            .put(5, partialAddress, part.done == 0 ? 0 : 1)
            .overElements(k * d));
  }

  /** All arguments but where the sums go. */
  private CudaLaunch residuals(long r) {
    return residuals
        .of(operands.dtype)
        .put(0, r, slices, operands.b)
        .put(3, part.y, part.yStride)
        .put(5, part.index, part.first, part.count)
        .put(8, operands.outputs, rowsPerBlock);
  }

  @Override
  public void finish() {
    queue.defer(RowGradient.combine(combine, operands, partialAddress, blocks));
    RowGradient.flushLarge(queue, operands);
  }
}
