package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DenseRows;
import dev.panagrad.tensor.Tensor;

/**
 * Rows on the device as kernels take them: addresses, strides in elements, and a range of
 * positions. Set anew for each launch, so that a step allocates nothing.
 */
final class DeviceRows {
  // Addresses and strides; 0 without targets, and for rows in order.
  long x;
  long xStride;
  long y;
  long yStride;
  long index;

  // Positions of the index, or of the rows, and how many of the batch were computed before.
  long first;
  long count;
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
