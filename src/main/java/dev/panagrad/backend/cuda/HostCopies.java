package dev.panagrad.backend.cuda;

import dev.panagrad.backend.StepTrace;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies between a host tensor and the device that are complete when the call returns.
 *
 * <p>Threading: by the queue's lock.
 */
final class HostCopies {
  // Rows from which the device copies those with gaps between them well.
  static final long LONG_ROW_BYTES = 512;
  // Of a buffer for rows that are shorter.
  private static final long PACKED_BYTES = 1L << 20;

  private HostCopies() {}

  /** From a host tensor to the device tensor at that address, rows with gaps on either side. */
  static void upload(CudaQueue queue, Tensor from, long to, Tensor target) {
    queue.flush();
    if (from.count() == 0) {
      return;
    }
    int size = from.dtype().bytes();
    if (from.isContiguous() && target.isContiguous()) {
      queue.driver.upload(from.segment(), from.byteOffset(), to, from.spanBytes(), queue.stream);
    } else if (target.isContiguous() && from.cols() * size < LONG_ROW_BYTES) {
      uploadPacked(queue, from, to);
    } else {
      MemorySegment host = from.segment().asSlice(from.byteOffset(), from.spanBytes());
      queue.driver.copyRows(
          host,
          0,
          from.rowStride() * size,
          null,
          to,
          target.rowStride() * size,
          from.cols() * size,
          from.rows(),
          queue.stream);
    }
    finish(queue, from.count() * size);
  }

  /** Rows side by side first: the driver takes pageable memory before it returns. */
  private static void uploadPacked(CudaQueue queue, Tensor from, long to) {
    long rowBytes = from.cols() * from.dtype().bytes();
    long pitch = from.rowStride() * from.dtype().bytes();
    long chunk = Math.min(from.rows(), PACKED_BYTES / rowBytes);
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment packed = temporary.allocate(chunk * rowBytes, Long.BYTES);
      for (long first = 0; first < from.rows(); first += chunk) {
        long rows = Math.min(chunk, from.rows() - first);
        for (long i = 0; i < rows; i++) {
          long at = from.byteOffset() + (first + i) * pitch;
          MemorySegment.copy(from.segment(), at, packed, i * rowBytes, rowBytes);
        }
        queue.driver.upload(packed, 0, to + first * rowBytes, rows * rowBytes, queue.stream);
        queue.driver.synchronize(queue.stream);
      }
    }
  }

  /** From the device tensor at that address to a host tensor. */
  static void download(CudaQueue queue, long from, Tensor source, Tensor to) {
    queue.flush();
    if (to.count() == 0) {
      return;
    }
    int size = to.dtype().bytes();
    if (to.isContiguous() && source.isContiguous()) {
      queue.driver.download(from, to.segment(), to.byteOffset(), to.spanBytes(), queue.stream);
    } else {
      MemorySegment host = to.segment().asSlice(to.byteOffset(), to.spanBytes());
      queue.driver.copyRows(
          null,
          from,
          source.rowStride() * size,
          host,
          0,
          to.rowStride() * size,
          to.cols() * size,
          to.rows(),
          queue.stream);
    }
    finish(queue, to.count() * size);
  }

  private static void finish(CudaQueue queue, long bytes) {
    queue.trace.countCopy(bytes);
    queue.trace.count(StepTrace.Event.SYNCHRONIZATION);
    queue.driver.synchronize(queue.stream);
  }
}
