package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.Tensor;

/** A matrix on the device, as a product takes it. Set anew for each launch. */
final class DeviceMatrix {
  // As it is in memory; the stride in elements.
  long at;
  long stride;
  long rows;
  long cols;
  // True if the product takes it transposed.
  boolean isTransposed;

  void set(Tensor t, boolean transposed, CudaMemory memory) {
    set(memory.address(t), DeviceMatrix.stride(t), t.rows(), t.cols(), transposed);
  }

  void set(long newAt, long newStride, long newRows, long newCols, boolean transposed) {
    at = newAt;
    stride = newStride;
    rows = newRows;
    cols = newCols;
    isTransposed = transposed;
  }

  /** BLAS wants at least the row's length, even of a matrix of one row. */
  static long stride(Tensor t) {
    return Math.max(t.rowStride(), t.cols());
  }
}
