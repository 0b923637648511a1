package dev.panagrad.backend.cuda;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.DeviceMemoryException;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.tensor.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/**
 * Device memory from a pool that allocates and frees in the order of the stream, within a limit.
 * Freed memory stays in the pool for the next allocation.
 *
 * <p>Threading: by the queue's lock.
 */
final class CudaMemory {
  private final CudaQueue queue;
  private final String deviceName;
  private final long limit;
  private final Set<CudaStorage> live = Collections.newSetFromMap(new IdentityHashMap<>());
  private long used;

  CudaMemory(CudaQueue queue, String deviceName, long limit) {
    this.queue = queue;
    this.deviceName = deviceName;
    this.limit = limit;
  }

  /** Any content, for row numbers or others. DeviceMemoryException if there is not enough. */
  CudaStorage allocate(String what, long bytes, boolean holdsRows) {
    synchronized (queue) {
      queue.enter();
      // An empty tensor has an address too.
      long size = Math.max(bytes, 1);
      long address = size > limit - used ? 0 : queue.driver.allocate(size, queue.stream);
      if (address == 0) {
        throw exhausted(what, bytes);
      }
      queue.trace.count(StepTrace.Event.DEVICE_ALLOCATION);
      CudaStorage storage = new CudaStorage(this, deviceName, address, bytes, holdsRows);
      live.add(storage);
      used += bytes;
      return storage;
    }
  }

  private DeviceMemoryException exhausted(String what, long bytes) {
    String bound =
        limit == BackendOptions.ALL_MEMORY ? "" : " of the %,d it may hold".formatted(limit);
    return new DeviceMemoryException(
        "%,d bytes for '%s' cannot be allocated on %s: %,d bytes are free, this backend holds %,d%s. Free tensors by closing their arenas, use smaller batches, or let rows stay in host memory (Backend.placeRows)"
            .formatted(bytes, what, deviceName, free(), used, bound),
        bytes);
  }

  /** Bytes that can be allocated now, by the device's free memory and the limit. */
  long available() {
    synchronized (queue) {
      queue.enter();
      return Math.max(0, Math.min(limit - used, free()));
    }
  }

  /**
   * What the device has free and what the pool keeps: all that it holds and is not in use here. The
   * pool's own count of what is in use has what was freed and is still being computed on, and the
   * next allocation comes after that.
   */
  private long free() {
    return queue.driver.freeBytes() + Math.max(0, queue.driver.pooledBytes() - used);
  }

  void requireOpen() {
    queue.lifetime.requireOpen();
  }

  /** Bytes allocated and not released. */
  long used() {
    return used;
  }

  /** Releases it once; later use of its tensors throws, naming the reason. */
  void release(CudaStorage storage, String why) {
    synchronized (queue) {
      if (!storage.markReleased(why)) {
        return;
      }
      live.remove(storage);
      used -= storage.bytes();
      if (!queue.driver.isLost()) {
        queue.driver.enter();
        queue.flush();
        queue.driver.free(storage.address(), queue.stream);
      }
    }
  }

  void releaseAll(String why) {
    synchronized (queue) {
      for (CudaStorage storage : live.toArray(CudaStorage[]::new)) {
        release(storage, why);
      }
    }
  }

  /**
   * The device address of the first element. Throws {@link IllegalArgumentException} if the tensor
   * is not in this backend's memory, or its elements are not what that was allocated for.
   */
  long address(Tensor t) {
    if (t.storage() instanceof CudaStorage storage && storage.isOf(this)) {
      // Again, now that the queue's lock is held: another thread may have closed the arena.
      t.requireUsable();
      storage.requireHolds(t);
      return storage.address() + t.byteOffset();
    }
    throw new IllegalArgumentException(
        "tensor '%s' is %s, and backend 'cuda' computes in its own device memory; use Backend.place or Backend.allocate"
            .formatted(
                t.name(), t.isHost() ? "in host memory" : "in the memory of another backend"));
  }

  /** 0 for null. */
  long addressOrZero(Tensor t) {
    return t == null ? 0 : address(t);
  }
}
