package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Predictions {@code X W^T + b}: a product per row for few outputs, cuBLAS for many; rows in host
 * memory are uploaded part by part.
 */
final class Predictions {
  private static final int THREADS = 256;

  /** Outputs up to which a product with each is faster than cuBLAS's start. */
  private static final int FEW_OUTPUTS = 8;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final Cublas cublas;
  private final RowUploads uploads;
  private final RowProducts rowProducts;
  private final TypedLaunch addIntercepts;

  Predictions(
      CudaQueue queue,
      CudaMemory memory,
      Cublas cublas,
      RowUploads uploads,
      RowProducts rowProducts) {
    this.queue = queue;
    this.memory = memory;
    this.cublas = cublas;
    this.uploads = uploads;
    this.rowProducts = rowProducts;
    addIntercepts = new TypedLaunch(queue, "add_intercepts", 5);
  }

  private long address(Tensor t) {
    return CudaLinear.address(t, memory);
  }

  /** Rows {@code [first, first + count)} of X; count is at least 1. */
  void predict(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
    if (!x.isHost()) {
      long at = address(x) + first * x.rowStride() * x.dtype().bytes();
      predict(at, CudaLinear.stride(x), count, w, b, out, 0);
      return;
    }
    uploads.bring(
        x,
        null,
        null,
        first,
        count,
        1,
        (at, xStride, _, _, rows, done) -> predict(at, xStride, rows, w, b, out, done));
  }

  private void predict(long x, long xStride, long rows, Tensor w, Tensor b, Tensor out, long done) {
    DType dtype = out.dtype();
    int k = Math.toIntExact(w.rows());
    long to = address(out) + done * out.rowStride() * dtype.bytes();
    if (k <= FEW_OUTPUTS) {
      queue.launch(
          rowProducts.products(
              dtype,
              x,
              xStride,
              0,
              0,
              rows,
              w.cols(),
              address(w),
              w.cols(),
              k,
              b == null ? 0 : address(b),
              1,
              0,
              to,
              out.rowStride()));
      return;
    }
    cublas.gemm(
        dtype,
        false,
        true,
        rows,
        k,
        w.cols(),
        1,
        x,
        xStride,
        address(w),
        CudaLinear.stride(w),
        0,
        to,
        CudaLinear.stride(out));
    if (b != null) {
      queue.launch(
          addIntercepts
              .of(dtype)
              .put(0, to)
              .put(1, CudaLinear.stride(out))
              .put(2, rows)
              .putInt(3, k)
              .put(4, address(b))
              .shape(RowProducts.elementBlocks(rows * k), 1, THREADS, 1));
    }
  }
}
