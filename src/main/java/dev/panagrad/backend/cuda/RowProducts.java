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
  private static final int WARP = 32;

  private final TypedLaunch products;
  private CudaLaunch launch;
  private long rows;
  private long features;

  RowProducts(CudaQueue queue) {
    products = new TypedLaunch(queue, "row_products", 16);
  }

  /** Begins a launch over rows of that many features. */
  RowProducts of(DType dtype, DeviceRows newRows, long newFeatures) {
    rows = newRows.count;
    features = newFeatures;
    launch =
        products
            .of(dtype)
            .put(0, newRows.x, newRows.xStride, newRows.index, newRows.first)
            .put(4, rows, features);
    return plus(0).scaled(1, 0);
  }

  /** Sets the vectors, as rows of a matrix. */
  RowProducts with(long w, long wStride, int outputs) {
    launch.put(6, w, wStride, outputs);
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
    return launch.put(12, out, outStride, features, 0).overElements(rows * WARP);
  }

  /**
   * The launch that writes the products of wide rows with one vector in slices of the columns:
   * {@code out} is [slices, rows], and its columns add up to the products.
   */
  CudaLaunch intoSlices(long out, int slices) {
    return into(out, 1)
        .put(14, Math.ceilDiv(features, (long) slices), rows)
        .shape(launch.gridX, slices, CudaLaunch.THREADS, 1);
  }
}
