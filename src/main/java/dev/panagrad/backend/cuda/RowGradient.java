package dev.panagrad.backend.cuda;

/**
 * The gradient for few outputs by {@code row_gradient.cu}: each row of X is read from memory once.
 *
 * <p>The rows are cut into blocks whose number depends on the sizes only, so that the bits do not
 * depend on the device; {@code gradient_combine.cu} adds the blocks' sums in order.
 */
final class RowGradient implements GradientSum {
  private static final int THREADS = CudaLaunch.THREADS;

  /**
   * Shared memory for a tile of rows: as many blocks as the registers allow, three, fit on a
   * multiprocessor of 100 KiB. A longer row, of at most 32 KiB, is a tile by itself; every device
   * lets a block have 48 KiB, of which the kernel takes 4 for itself.
   */
  private static final int TILE_BYTES = 24 * 1024;

  // Rows that a kernel sums in the element type before it adds to F64.
  private static final int MAX_TILE_ROWS = 256;
  // Enough for eight blocks on each multiprocessor of the largest devices.
  private static final long MAX_BLOCKS = 1024;

  private static final int FEW_OUTPUTS = 16;
  // Multiplications up to which one launch in a graph is less than the calls that cuBLAS needs.
  private static final long SMALL_PRODUCT = 16L * 1024 * 1024;
  // Rows of a block for many outputs, whose partial sums are as large as their weights.
  private static final int MIN_ROWS_OF_MANY = 16;
  // Elements of X below which another block costs more than it gains.
  private static final long MIN_BLOCK_ELEMENTS = 4096;
  // Bound of the partial sums, which are written and read once more.
  private static final long PARTIAL_BYTES = 32L * 1024 * 1024;
  // Elements of X up to which a gradient waits for its step, to become a graph with it.
  private static final long DEFERRED_ELEMENTS = 16L * 1024 * 1024;

  private final CudaQueue queue;
  private final CudaScratch partial;
  private final TypedLaunch combine;
  // By outputs per block, 1, 4, 8, and columns per thread, 1, 4, 16.
  private final TypedLaunch[] variants = new TypedLaunch[9];

  private GradientOperands operands;
  private CudaLaunch rowsLaunch;
  private int groups;
  private long rowsPerBlock;
  private long blocks;
  private int tileRows;
  private long partialAddress;

  RowGradient(CudaQueue queue, CudaScratch partial) {
    this.queue = queue;
    this.partial = partial;
    combine = new TypedLaunch(queue, "gradient_combine", 8);
  }

  static boolean isFor(long count, long features, int outputs) {
    if (outputs == 1) {
      return features <= 16 * THREADS;
    }
    // Many outputs read X several times: from the cache, if it is small.
    return features <= 4 * THREADS
        && (outputs <= FEW_OUTPUTS || count * features * outputs <= SMALL_PRODUCT);
  }

  RowGradient prepare(GradientOperands newOperands) {
    operands = newOperands;
    long d = operands.features;
    int k = operands.outputs == 1 ? 1 : operands.outputs <= 4 ? 4 : 8;
    int columns = d <= THREADS ? 1 : d <= 4 * THREADS ? 4 : 16;
    rowsLaunch = variant(k, columns).of(operands.dtype);
    groups = Math.ceilDiv(operands.outputs, k);
    long leastRows = operands.outputs <= FEW_OUTPUTS ? 1 : MIN_ROWS_OF_MANY;
    long minRows = Math.clamp(MIN_BLOCK_ELEMENTS / Math.max(d, 1), leastRows, MAX_TILE_ROWS);
    long partialRowBytes = operands.outputs * operands.partialStride() * Double.BYTES;
    long maxBlocks = Math.clamp(PARTIAL_BYTES / partialRowBytes, 1, MAX_BLOCKS);
    rowsPerBlock = Math.max(minRows, Math.ceilDiv(operands.count, maxBlocks));
    blocks = Math.ceilDiv(operands.count, rowsPerBlock);
    int size = operands.dtype.bytes();
    // A row of the tile and its residuals; 16 bytes for rounding up between them.
    long room = (TILE_BYTES - 16) / ((d + k) * size);
    tileRows = (int) Math.clamp(room, 1, Math.min(rowsPerBlock, MAX_TILE_ROWS));
    rowsLaunch.sharedBytes =
        Math.toIntExact(Math.ceilDiv(tileRows * d * size, 16L) * 16 + (long) tileRows * k * size);
    partialAddress = partial.address(blocks * partialRowBytes);
    return this;
  }

  private TypedLaunch variant(int k, int columns) {
    int index = (k == 1 ? 0 : k == 4 ? 3 : 6) + (columns == 1 ? 0 : columns == 4 ? 1 : 2);
    if (variants[index] == null) {
      variants[index] = new TypedLaunch(queue, "row_gradient", "_k" + k + "_c" + columns, 14);
    }
    return variants[index];
  }

  @Override
  public long unit() {
    return rowsPerBlock;
  }

  @Override
  public void add(DeviceRows rows) {
    long block = rows.done / rowsPerBlock;
    long stride = operands.outputs * operands.partialStride() * Double.BYTES;
    rowsLaunch
        .put(0, rows.x, rows.xStride, rows.y, rows.yStride)
        .put(4, rows.index, rows.first, rows.count)
        .put(7, operands.features, operands.outputs, operands.w, operands.b)
        .put(11, partialAddress + block * stride, rowsPerBlock, tileRows)
        .shape(Math.ceilDiv(rows.count, rowsPerBlock) * groups, 1, THREADS, 1);
    queue.defer(rowsLaunch);
  }

  @Override
  public void finish() {
    queue.defer(combine(combine, operands, partialAddress, blocks));
    flushLarge(queue, operands);
  }

  /** Starts a gradient that takes longer than a launch. */
  static void flushLarge(CudaQueue queue, GradientOperands operands) {
    if (operands.count * operands.features > DEFERRED_ELEMENTS) {
      queue.flush();
    }
  }

  /** Arguments of the kernel that adds all blocks' sums in order and divides by the rows. */
  static CudaLaunch combine(
      TypedLaunch combine, GradientOperands operands, long partialAddress, long blocks) {
    return combine
        .of(operands.dtype)
        .put(0, partialAddress, blocks, operands.features, operands.outputs)
        .put(4, operands.count, operands.gw, operands.gb, operands.loss)
        .shape(Math.ceilDiv(operands.partialStride(), 32) * operands.outputs, 1, 32, 8);
  }
}
