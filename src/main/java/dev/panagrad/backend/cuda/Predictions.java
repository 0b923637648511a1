package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Predictions {@code X W^T + b}: a product per row for few outputs, cuBLAS for many; rows in host
 * memory are uploaded part by part.
 */
final class Predictions {
  /** Outputs up to which a product with each is faster than cuBLAS's start. */
  private static final int FEW_OUTPUTS = 8;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final Cublas cublas;
  private final RowUploads uploads;
  private final RowProducts rowProducts;
  private final TypedLaunch addIntercepts;
  private final DeviceRows rows = new DeviceRows();

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

  /** Rows {@code [first, first + count)} of X; count is at least 1. */
  void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    if (x.isHost()) {
      uploads.bring(x, null, null, first, count, 1, part -> predict(part, model, out));
    } else {
      predict(rows.setFeatures(x, first, count, memory), model, out);
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
              .put(0, to)
              .put(1, DeviceMatrix.stride(out))
              .put(2, part.count)
              .putInt(3, k)
              .put(4, b)
              .shape(RowProducts.elementBlocks(part.count * k), 1, RowProducts.THREADS, 1));
    }
  }
}
