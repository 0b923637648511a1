package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.HostStorage;
import dev.panagrad.tensor.Storage;
import dev.panagrad.tensor.Tensor;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Host memory whose pages are locked, so that the device copies straight from it: rows that stay on
 * the host, in the memory of a {@code TensorArena}, mapped files included. They are locked when
 * they are first copied in order, for as much of the machine's memory as others can do without, and
 * unlocked by their arena's closing, before the memory is freed. A caller's own memory is never
 * locked, because nobody would say when it ends.
 *
 * <p>Threading: by the queue's lock.
 */
final class PinnedRanges {
  private static final Logger LOG = System.getLogger(PinnedRanges.class.getName());

  private final CudaQueue queue;
  private final List<Range> ranges = new ArrayList<>();
  private long lockedBytes;

  PinnedRanges(CudaQueue queue) {
    this.queue = queue;
  }

  private final class Range implements AutoCloseable {
    final String name;
    final MemorySegment memory;
    boolean isTried;
    boolean isLocked;

    Range(Tensor tensor) {
      name = tensor.name();
      memory = tensor.segment().asSlice(tensor.byteOffset(), tensor.spanBytes());
    }

    boolean holds(Tensor tensor) {
      long from = tensor.segment().address() + tensor.byteOffset();
      return from >= memory.address()
          && from + tensor.spanBytes() <= memory.address() + memory.byteSize();
    }

    @Override
    public void close() {
      synchronized (queue) {
        if (ranges.remove(this) && isLocked && !queue.driver.isLost()) {
          lockedBytes -= memory.byteSize();
          // Not the queue's own, which refuses a backend that is being closed.
          queue.driver.enter();
          queue.synchronize();
          queue.driver.unregister(memory);
        }
      }
    }

    @Override
    public String toString() {
      return "locked pages of host memory";
    }
  }

  /**
   * Says that a tensor is where its rows are uploaded from until its arena is closed. Not to be
   * called with the queue's lock held: an arena that is being closed holds its own and then takes
   * the queue's.
   */
  void stays(Tensor tensor) {
    Storage.Owner owner = ((HostStorage) tensor.storage()).owner();
    if (owner == null) {
      return;
    }
    Range range = new Range(tensor);
    synchronized (queue) {
      if (find(tensor) != null) {
        return;
      }
      ranges.add(range);
    }
    try {
      owner.attach(range);
    } catch (IllegalStateException e) {
      range.close();
      throw e;
    }
  }

  /** Whether the tensor's memory is locked now; locks it if it may be and is not. */
  boolean lock(Tensor tensor) {
    Range range = find(tensor);
    if (range == null) {
      return false;
    }
    if (!range.isTried) {
      range.isTried = true;
      String refusal = lock(range);
      range.isLocked = refusal == null;
      if (refusal != null) {
        LOG.log(Level.INFO, "rows of '%s' go through a buffer: %s".formatted(range.name, refusal));
      }
    }
    return range.isLocked;
  }

  private String lock(Range range) {
    long bytes = range.memory.byteSize();
    long allowed = LockableMemory.bytes() - lockedBytes;
    if (bytes > allowed) {
      return "%,d bytes are more than the %,d that may be locked".formatted(bytes, allowed);
    }
    String refusal = queue.driver.register(range.memory, range.memory.isReadOnly());
    lockedBytes += refusal == null ? bytes : 0;
    return refusal;
  }

  private Range find(Tensor tensor) {
    for (int i = 0; i < ranges.size(); i++) {
      if (ranges.get(i).holds(tensor)) {
        return ranges.get(i);
      }
    }
    return null;
  }

  void close() {
    List.copyOf(ranges).forEach(Range::close);
  }
}
