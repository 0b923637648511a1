package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DenseRows;
import dev.panagrad.tensor.Tensor;

/**
 * Rows on the device as kernels take them: addresses, strides in elements, and a range of
 * positions. Set anew for each launch, so that a step allocates nothing.
 */
final class DeviceRows {
  long x;
  long xStride;

  /** 0 where only features are read. */
  long y;

  long yStride;

  /** Row numbers, or 0 for rows in order. */
  long index;

  /** The first position: of the index, or of the rows. */
  long first;

  /** Number of positions. */
  long count;

  /** Positions of the batch that were computed before. */
  long done;

  /** Makes it positions {@code [newFirst, newFirst + newCount)} of these rows. */
  DeviceRows set(DenseRows rows, Tensor numbers, long newFirst, long newCount, CudaMemory memory) {
    setFeatures(rows.x(), newFirst, newCount, memory);
    y = memory.address(rows.y());
    yStride = rows.y().rowStride();
    index = memory.addressOrZero(numbers);
    return this;
  }

  /** Makes it rows {@code [newFirst, newFirst + newCount)} of a matrix. */
  DeviceRows setFeatures(Tensor features, long newFirst, long newCount, CudaMemory memory) {
    x = memory.address(features);
    xStride = DeviceMatrix.stride(features);
    y = 0;
    yStride = 0;
    index = 0;
    first = newFirst;
    count = newCount;
    done = 0;
    return this;
  }

  /** Makes it a part of other rows, from the {@code from}-th of their positions. */
  DeviceRows setPart(DeviceRows all, long from, long newCount) {
    x = all.x;
    xStride = all.xStride;
    y = all.y;
    yStride = all.yStride;
    index = all.index;
    first = all.first + from;
    count = newCount;
    done = all.done + from;
    return this;
  }
}
