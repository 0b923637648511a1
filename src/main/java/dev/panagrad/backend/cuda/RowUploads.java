package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.StepTrace;
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

  /** What is done with each part on the device, whose rows are there until it returns. */
  interface Part {
    void add(DeviceRows rows);
  }

  /** A buffer for X and one for y. */
  private final class Slot {
    final Side x;
    final Side y;
    final MemorySegment filled = queue.event();
    final MemorySegment used = queue.event();

    Slot(int number) {
      x = new Side("X, buffer " + number);
      y = new Side("y, buffer " + number);
    }

    long bytes() {
      return x.onDevice.bytes() + y.onDevice.bytes();
    }
  }

  /** A buffer on the device, and the locked one before it. */
  private final class Side {
    final CudaScratch onDevice;
    private MemorySegment onHost;

    Side(String name) {
      onDevice = new CudaScratch(memory, "rows of " + name);
    }

    /** Fills it from the {@code first}-th position; straight, or through that many locked bytes. */
    void fill(Tensor t, Batch order, long first, long rows, long bytes, boolean isStraight) {
      long to = onDevice.address(0);
      if (isStraight) {
        upload(t, first, rows, to);
      } else {
        grow(bytes);
        stage(t, order, first, rows, onHost, to);
      }
    }

    /** Waits for copies from the old buffer. */
    private void grow(long bytes) {
      if (onHost != null && onHost.byteSize() >= bytes) {
        return;
      }
      MemorySegment grown = queue.driver.allocateHost(Math.max(bytes, 1));
      if (grown == null) {
        throw new OutOfMemoryError(
            "%,d bytes of page-locked host memory for uploads; use smaller batches, or raise the limit on locked memory (ulimit -l)"
                .formatted(bytes));
      }
      free();
      onHost = grown;
    }

    void free() {
      if (onHost != null) {
        queue.driver.freeHost(onHost);
        onHost = null;
      }
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
      long held = slot.bytes();
      long xAddress = slot.x.onDevice.address(rows * rowBytes);
      long yAddress = y == null ? 0 : slot.y.onDevice.address(rows * yBytes);
      if (slot.bytes() != held) {
        // New memory is there for the copy stream once the stream that allocated it says so.
        queue.driver.record(slot.used, queue.stream);
      }
      queue.driver.await(slot.used, queue.copyStream);
      boolean straightX = order == null && isStraight(x);
      boolean straightY = y == null || (order == null && isStraight(y));
      if (!straightX || !straightY) {
        queue.trace.count(StepTrace.Event.SYNCHRONIZATION);
        queue.driver.synchronizeEvent(slot.filled);
      }
      slot.x.fill(x, order, first + done, partRows, rows * rowBytes, straightX);
      if (y != null) {
        slot.y.fill(y, order, first + done, partRows, rows * yBytes, straightY);
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
    long held = Math.min(slots[0].x.onDevice.bytes(), slots[1].x.onDevice.bytes());
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

  /** Frees the locked buffers. The device is idle. */
  void close() {
    for (Slot slot : slots) {
      slot.x.free();
      slot.y.free();
    }
  }
}
