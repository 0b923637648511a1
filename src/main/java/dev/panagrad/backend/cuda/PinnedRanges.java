package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.HostStorage;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Host memory whose pages are locked, so that the device copies straight from it: the memory of a
 * {@code TensorArena}, mapped files included. It is unlocked by that arena's closing, before the
 * memory is freed; a caller's own memory is never locked, because nobody would say when it ends.
 *
 * <p>Threading: by the queue's lock.
 */
final class PinnedRanges {
  private final CudaQueue queue;
  private final List<Range> ranges = new ArrayList<>();

  PinnedRanges(CudaQueue queue) {
    this.queue = queue;
  }

  private final class Range implements AutoCloseable {
    final MemorySegment memory;

    Range(MemorySegment memory) {
      this.memory = memory;
    }

    @Override
    public void close() {
      synchronized (queue) {
        if (ranges.remove(this) && !queue.driver.isLost()) {
          queue.enter();
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
   * Locks the memory behind a host tensor until its arena is closed. Not to be called with the
   * queue's lock held: an arena that is being closed holds its own and then takes the queue's.
   *
   * @return null, or why it was not locked
   */
  String lock(Tensor tensor) {
    TensorArena owner = ((HostStorage) tensor.storage()).owner();
    if (owner == null) {
      return "its memory belongs to the caller and not to an arena";
    }
    Range range = new Range(tensor.segment());
    synchronized (queue) {
      queue.enter();
      if (isLocked(tensor)) {
        return null;
      }
      String refusal = queue.driver.register(range.memory, range.memory.isReadOnly());
      if (refusal != null) {
        return refusal;
      }
      ranges.add(range);
    }
    try {
      owner.attach(range);
    } catch (IllegalStateException e) {
      range.close();
      throw e;
    }
    return null;
  }

  /** Whether the tensor's memory is locked. */
  boolean isLocked(Tensor tensor) {
    MemorySegment memory = tensor.segment();
    for (int i = 0; i < ranges.size(); i++) {
      if (ranges.get(i).memory == memory) {
        return true;
      }
    }
    return false;
  }

  /** Unlocks everything. */
  void close() {
    for (Range range : List.copyOf(ranges)) {
      range.close();
    }
  }
}
