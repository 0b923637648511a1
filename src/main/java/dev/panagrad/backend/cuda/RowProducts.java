package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;

/**
 * Launches of the two matrix and vector kernels: products of rows with vectors, {@code
 * row_products.cu}, and sums of columns over rows, {@code column_sums.cu}.
 */
final class RowProducts {
  private static final int THREADS = 256;
  private static final int WARP = 32;

  /** More than any device runs at a time; kernels go on in strides of the grid. */
  private static final long MAX_BLOCKS = 1 << 20;

  private final TypedLaunch products;
  private final TypedLaunch sums;

  RowProducts(CudaQueue queue) {
    products = new TypedLaunch(queue, "row_products", 16);
    sums = new TypedLaunch(queue, "column_sums", 12);
  }

  /** Blocks for a kernel that takes one element per thread. */
  static long elementBlocks(long elements) {
    return Math.clamp(Math.ceilDiv(elements, THREADS), 1, MAX_BLOCKS);
  }

  /** {@code out = alpha X W^T + b + beta out}, one warp per row. */
  CudaLaunch products(
      DType dtype,
      long x,
      long xStride,
      long index,
      long first,
      long rows,
      long features,
      long w,
      long wStride,
      int outputs,
      long b,
      double alpha,
      double beta,
      long out,
      long outStride) {
    return products
        .of(dtype)
        .put(0, x)
        .put(1, xStride)
        .put(2, index)
        .put(3, first)
        .put(4, rows)
        .put(5, features)
        .put(6, w)
        .put(7, wStride)
        .putInt(8, outputs)
        .put(9, b)
        .put(10, alpha)
        .put(11, beta)
        .put(12, out)
        .put(13, outStride)
        .put(14, features)
        .put(15, 0)
        .shape(elementBlocks(rows * WARP), 1, THREADS, 1);
  }

  /**
   * Products of wide rows with one vector, in slices of the columns: {@code out} is [slices, rows],
   * and its columns add up to the products.
   */
  CudaLaunch slicedProducts(
      DType dtype,
      long x,
      long xStride,
      long index,
      long first,
      long rows,
      long features,
      long w,
      int slices,
      long out) {
    CudaLaunch launch =
        products(dtype, x, xStride, index, first, rows, features, w, features, 1, 0, 1, 0, out, 1);
    return launch
        .put(14, Math.ceilDiv(features, (long) slices))
        .put(15, rows)
        .shape(launch.gridX, slices, THREADS, 1);
  }

  /** {@code partial += r^T A} for each block of rows. */
  CudaLaunch columnSums(
      DType dtype,
      long a,
      long stride,
      long index,
      long first,
      long rows,
      long cols,
      long r,
      long rStride,
      long partial,
      long partialStride,
      long rowsPerBlock,
      boolean accumulate) {
    return sums.of(dtype)
        .put(0, a)
        .put(1, stride)
        .put(2, index)
        .put(3, first)
        .put(4, rows)
        .put(5, cols)
        .put(6, r)
        .put(7, rStride)
        .put(8, partial)
        .put(9, partialStride)
        .put(10, rowsPerBlock)
        .putInt(11, accumulate ? 1 : 0)
        .shape(
            Math.max(1, Math.ceilDiv(cols, THREADS)),
            Math.toIntExact(Math.max(1, Math.ceilDiv(rows, rowsPerBlock))),
            THREADS,
            1);
  }
}
