package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;

/**
 * Launches of {@code row_products.cu}: products of rows with vectors, one warp per row.
 *
 * <pre>
 *   products.of(dtype, rows, features).with(w, stride, outputs).plus(b).scaled(alpha, beta).into(out, stride)
 *
 *   out = alpha X W^T + b + beta out
 * </pre>
 */
final class RowProducts {
  static final int THREADS = 256;
  private static final int WARP = 32;

  /** More than any device runs at a time; kernels go on in strides of the grid. */
  private static final long MAX_BLOCKS = 1 << 20;

  private final TypedLaunch products;
  private CudaLaunch launch;
  private long rows;
  private long features;

  RowProducts(CudaQueue queue) {
    products = new TypedLaunch(queue, "row_products", 16);
  }

  /** Blocks for a kernel that takes one element per thread. */
  static long elementBlocks(long elements) {
    return Math.clamp(Math.ceilDiv(elements, THREADS), 1, MAX_BLOCKS);
  }

  /** Begins a launch over rows of that many features. */
  RowProducts of(DType dtype, DeviceRows newRows, long newFeatures) {
    rows = newRows.count;
    features = newFeatures;
    launch =
        products
            .of(dtype)
            .put(0, newRows.x)
            .put(1, newRows.xStride)
            .put(2, newRows.index)
            .put(3, newRows.first)
            .put(4, rows)
            .put(5, features);
    return plus(0).scaled(1, 0);
  }

  /** Sets the vectors, as rows of a matrix. */
  RowProducts with(long w, long wStride, int outputs) {
    launch.put(6, w).put(7, wStride).putInt(8, outputs);
    return this;
  }

  /** Sets what is added, one number per vector; 0 for nothing. */
  RowProducts plus(long b) {
    launch.put(9, b);
    return this;
  }

  /** Sets the factors of the products and of what is in the output. */
  RowProducts scaled(double alpha, double beta) {
    launch.put(10, alpha).put(11, beta);
    return this;
  }

  /** The launch that writes the products as a matrix. */
  CudaLaunch into(long out, long outStride) {
    return launch
        .put(12, out)
        .put(13, outStride)
        .put(14, features)
        .put(15, 0)
        .shape(elementBlocks(rows * WARP), 1, THREADS, 1);
  }

  /**
   * The launch that writes the products of wide rows with one vector in slices of the columns:
   * {@code out} is [slices, rows], and its columns add up to the products.
   */
  CudaLaunch intoSlices(long out, int slices) {
    return into(out, 1)
        .put(14, Math.ceilDiv(features, (long) slices))
        .put(15, rows)
        .shape(launch.gridX, slices, THREADS, 1);
  }
}
