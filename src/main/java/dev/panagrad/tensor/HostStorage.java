package dev.panagrad.tensor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Native memory of this process is owned by a {@link TensorArena} or borrowed from the caller who
 * wrapped it.
 *
 * <p>Threading: memory of a {@code TensorArena} may be used from any thread. Borrowed memory keeps
 * the rule of its own arena: a confined segment is usable by its owner thread only, and a kernel
 * that would share the work with other threads does all of it on the caller's.
 */
public final class HostStorage implements Storage {
  private final MemorySegment segment;
  private final Owner owner;
  private final String allocatedAt;
  private final boolean isMapped;

  HostStorage(MemorySegment segment, Owner owner, String allocatedAt, boolean isMapped) {
    this.segment = segment;
    this.owner = owner;
    this.allocatedAt = allocatedAt;
    this.isMapped = isMapped;
  }

  static HostStorage borrowed(String tensorName, MemorySegment segment, DType dtype) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          "tensor '%s': the segment is on the heap; kernels take native memory only. Allocate it from a TensorArena, or copy it into one with Tensor.copyFrom"
              .formatted(tensorName));
    }
    if (segment.address() % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "tensor '%s': address 0x%x is not a multiple of %d, the size of %s"
              .formatted(tensorName, segment.address(), dtype.bytes(), dtype));
    }
    return new HostStorage(segment, null, null, false);
  }

  static HostStorage borrowed(String tensorName, ByteBuffer buffer, DType dtype) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          "tensor '%s': the buffer is on the heap; use ByteBuffer.allocateDirect"
              .formatted(tensorName));
    }
    if (buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "tensor '%s': the buffer is %s, this machine is %s; call buffer.order(ByteOrder.nativeOrder()) if its bytes are in native order"
              .formatted(tensorName, buffer.order(), ByteOrder.nativeOrder()));
    }
    return borrowed(tensorName, MemorySegment.ofBuffer(buffer), dtype);
  }

  /** Returns the memory itself; always native. */
  public MemorySegment segment() {
    return segment;
  }

  /** Returns the arena that frees the memory, or null if it is borrowed. */
  public Owner owner() {
    return owner;
  }

  /** True for the whole of a read-only mapping of a file that the owner has made. */
  boolean isMappedReadOnly() {
    return isMapped && segment.isReadOnly();
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public void requireUsable(String tensorName) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException(
          "tensor '%s' was used after %s was closed%s"
              .formatted(
                  tensorName,
                  owner == null ? "the arena it was borrowed from" : owner,
                  allocationSite()));
    }
    if (owner == null && !segment.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          "tensor '%s' is borrowed from a confined arena and may only be used by the thread that opened that arena, not by %s; wrap memory of a shared arena instead"
              .formatted(tensorName, Thread.currentThread().getName()));
    }
  }

  /** True if any thread may use the memory: not if it is borrowed from a confined arena. */
  public boolean isShareable() {
    return owner != null || segment.isAccessibleBy(Witness.THREAD);
  }

  private String allocationSite() {
    if (allocatedAt != null) {
      return "; it was allocated " + allocatedAt;
    }
    return owner == null ? "" : "; TensorArena.openTracked(name) records where each was allocated";
  }

  /** A thread that owns no arena: what it may access, every thread may access. */
  private static final class Witness {
    static final Thread THREAD = Thread.ofPlatform().unstarted(() -> {});
  }
}
