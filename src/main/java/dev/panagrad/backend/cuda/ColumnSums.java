package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;

/**
 * Launches of {@code column_sums.cu}: weighted sums of columns over blocks of rows.
 *
 * <pre>
 *   sums.of(dtype, rows, cols).weightedBy(r, stride).into(partial, stride, rowsPerBlock, isAdded)
 *
 *   partial = r^T A for each block of rows, or is added to
 * </pre>
 */
final class ColumnSums {
  private static final int THREADS = CudaLaunch.THREADS;

  private final TypedLaunch sums;
  private CudaLaunch launch;
  private long rows;
  private long cols;

  ColumnSums(CudaQueue queue) {
    sums = new TypedLaunch(queue, "column_sums", 12);
  }

  /** Begins a launch over rows of that many columns. */
  ColumnSums of(DType dtype, DeviceRows newRows, long newCols) {
    rows = newRows.count;
    cols = newCols;
    launch =
        sums.of(dtype)
            .put(0, newRows.x, newRows.xStride, newRows.index, newRows.first)
            .put(4, rows, cols);
    return this;
  }

  /** Sets the rows' weights. */
  ColumnSums weightedBy(long r, long rStride) {
    launch.put(6, r, rStride);
    return this;
  }

  /** The launch; sums are added to what is there, or take its place. */
  CudaLaunch into(long partial, long partialStride, long rowsPerBlock, boolean isAdded) {
    return launch
        .put(8, partial, partialStride, rowsPerBlock, isAdded ? 1 : 0)
        .shape(
            Math.max(1, Math.ceilDiv(cols, THREADS)),
            Math.toIntExact(Math.max(1, Math.ceilDiv(rows, rowsPerBlock))),
            THREADS,
            1);
  }
}
