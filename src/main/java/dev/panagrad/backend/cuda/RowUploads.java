package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Batch;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Brings rows that stay in host memory to the device, part by part, through two buffers: while one
 * is computed on, the other is filled by the copy stream.
 *
 * <pre>
 *   copy stream    | fill 0 | fill 1 |        | fill 0 |        | fill 1 |
 *   kernels                 | use 0 ........  | use 1 ........  | use 0 ...
 * </pre>
 *
 * A buffer is filled after the kernels that used it, and used after it is filled, by events: the
 * host waits for neither. Rows in order in {@linkplain PinnedRanges locked} memory are copied
 * straight from where they are; others are first copied into locked buffers of this class, and the
 * host waits until such a buffer has been read.
 *
 * <p>Threading: by the queue's lock.
 */
final class RowUploads {
  /** Of one buffer: long enough a copy that its start does not count. */
  private static final long SLOT_BYTES = 32L * 1024 * 1024;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final PinnedRanges pinned;
  private final Slot[] slots;
  private final DeviceRows brought = new DeviceRows();
  private int next;

  /** What is done with each part on the device. */
  interface Part {
    /** Takes rows that are on the device until the call returns to the stream. */
    void add(DeviceRows rows);
  }

  /** A buffer for X and one for y, on both sides. */
  private final class Slot {
    final CudaScratch x;
    final CudaScratch y;
    final MemorySegment filled = queue.event();
    final MemorySegment used = queue.event();
    MemorySegment hostX;
    MemorySegment hostY;

    Slot(int number) {
      x = new CudaScratch(memory, "rows of X, buffer " + number);
      y = new CudaScratch(memory, "rows of y, buffer " + number);
    }
  }

  RowUploads(CudaQueue queue, CudaMemory memory, PinnedRanges pinned) {
    this.queue = queue;
    this.memory = memory;
    this.pinned = pinned;
    slots = new Slot[] {new Slot(0), new Slot(1)};
  }

  /**
   * Brings rows to the device and hands each part on. They are in order once they are there.
   *
   * @param y targets, or null
   * @param order says which row a position is, or null for rows in order
   * @param unit rows that may not be divided
   */
  void bring(Tensor x, Tensor y, Batch order, long first, long count, long unit, Part part) {
    long rowBytes = x.cols() * x.dtype().bytes();
    long fit = Math.max(1, slotBytes(count * rowBytes) / Math.max(1, rowBytes));
    long rows = Math.min(count, Math.max(unit, fit / unit * unit));
    for (long done = 0; done < count; done += rows) {
      long partRows = Math.min(rows, count - done);
      Slot slot = slots[next];
      next = 1 - next;
      long yBytes = y == null ? 0 : y.cols() * y.dtype().bytes();
      long held = slot.x.bytes() + slot.y.bytes();
      long xAddress = slot.x.address(rows * rowBytes);
      long yAddress = y == null ? 0 : slot.y.address(rows * yBytes);
      if (slot.x.bytes() + slot.y.bytes() != held) {
        // New memory is there for the copy stream once the stream that allocated it says so.
        queue.driver.record(slot.used, queue.stream);
      }
      queue.driver.await(slot.used, queue.copyStream);
      boolean straightX = order == null && isStraight(x);
      boolean straightY = y != null && order == null && isStraight(y);
      if (!straightX || (y != null && !straightY)) {
        queue.trace.countSynchronization();
        queue.driver.synchronizeEvent(slot.filled);
      }
      long start = first + done;
      if (straightX) {
        upload(x, start, partRows, xAddress);
      } else {
        slot.hostX = hostBuffer(slot.hostX, rows * rowBytes);
        stage(x, order, start, partRows, slot.hostX, xAddress);
      }
      if (straightY) {
        upload(y, start, partRows, yAddress);
      } else if (y != null) {
        slot.hostY = hostBuffer(slot.hostY, rows * yBytes);
        stage(y, order, start, partRows, slot.hostY, yAddress);
      }
      queue.trace.countCopy(partRows * (rowBytes + yBytes));
      queue.driver.record(slot.filled, queue.copyStream);
      queue.driver.await(slot.filled, queue.stream);
      brought.x = xAddress;
      brought.xStride = x.cols();
      brought.y = yAddress;
      brought.yStride = y == null ? 0 : y.cols();
      brought.count = partRows;
      brought.done = done;
      part.add(brought);
      queue.flush();
      queue.driver.record(slot.used, queue.stream);
    }
  }

  /**
   * Bytes of X for a part: what the buffers have where that is enough, else, within what the memory
   * limit leaves, a quarter for each of two buffers.
   */
  private long slotBytes(long batchBytes) {
    long held = Math.min(slots[0].x.bytes(), slots[1].x.bytes());
    long wanted = Math.min(SLOT_BYTES, batchBytes);
    return held >= wanted ? held : Math.max(held, Math.min(wanted, memory.available() / 4));
  }

  /** Short rows with gaps between them are faster copied here than one by one by the device. */
  private boolean isStraight(Tensor t) {
    boolean isLong = t.isContiguous() || t.cols() * t.dtype().bytes() >= HostCopies.LONG_ROW_BYTES;
    return isLong && pinned.lock(t);
  }

  private void upload(Tensor t, long first, long rows, long to) {
    int size = t.dtype().bytes();
    long rowBytes = t.cols() * size;
    long pitch = t.rowStride() * size;
    long offset = t.byteOffset() + first * pitch;
    if (t.isContiguous()) {
      queue.driver.upload(t.segment(), offset, to, rows * rowBytes, queue.copyStream);
    } else if (rowBytes > 0) {
      MemorySegment from = t.segment().asSlice(offset, (rows - 1) * pitch + rowBytes);
      queue.driver.copyRows(from, 0, pitch, null, to, rowBytes, rowBytes, rows, queue.copyStream);
    }
  }

  /** Copies rows into the locked buffer one after the other, and that to the device. */
  private void stage(Tensor t, Batch order, long first, long rows, MemorySegment buffer, long to) {
    int size = t.dtype().bytes();
    long rowBytes = t.cols() * size;
    long pitch = t.rowStride() * size;
    MemorySegment from = t.segment();
    if (order == null && t.isContiguous()) {
      MemorySegment.copy(from, t.byteOffset() + first * pitch, buffer, 0, rows * rowBytes);
    } else {
      for (long i = 0; i < rows; i++) {
        long row = order == null ? first + i : order.row(first + i);
        MemorySegment.copy(from, t.byteOffset() + row * pitch, buffer, i * rowBytes, rowBytes);
      }
    }
    queue.driver.upload(buffer, 0, to, rows * rowBytes, queue.copyStream);
  }

  /** Grows as {@link CudaScratch} does; waits for copies from the old one. */
  private MemorySegment hostBuffer(MemorySegment buffer, long bytes) {
    if (buffer != null && buffer.byteSize() >= bytes) {
      return buffer;
    }
    MemorySegment grown = queue.driver.allocateHost(Math.max(bytes, 1));
    if (grown == null) {
      throw new OutOfMemoryError(
          "%,d bytes of page-locked host memory for uploads; use smaller batches, or raise the limit on locked memory (ulimit -l)"
              .formatted(bytes));
    }
    if (buffer != null) {
      queue.driver.freeHost(buffer);
    }
    return grown;
  }

  /** Frees the locked buffers. The device is idle. */
  void close() {
    for (Slot slot : slots) {
      if (slot.hostX != null) {
        queue.driver.freeHost(slot.hostX);
      }
      if (slot.hostY != null) {
        queue.driver.freeHost(slot.hostY);
      }
      slot.hostX = null;
      slot.hostY = null;
    }
  }
}
