package dev.panagrad.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Native memory of this process, owned by a {@link TensorArena} or borrowed from the caller who
 * wrapped it.
 *
 * <p>Threading: memory of a {@code TensorArena} may be used from any thread. Borrowed memory keeps
 * the rule of its own arena; a confined segment is usable by its owner thread only, and a kernel
 * that would share it with worker threads refuses it.
 */
public final class HostStorage implements Storage {
  private final MemorySegment segment;
  private final TensorArena owner;
  private final String allocatedAt;

  HostStorage(MemorySegment segment, TensorArena owner, String allocatedAt) {
    this.segment = segment;
    this.owner = owner;
    this.allocatedAt = allocatedAt;
  }

  /** The memory itself; always native. */
  public MemorySegment segment() {
    return segment;
  }

  /** The arena that frees the memory, or null if it is borrowed. */
  public TensorArena owner() {
    return owner;
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public void requireUsable(String tensorName) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException(
          "tensor '"
              + tensorName
              + "' was used after "
              + ownerDescription()
              + " was closed"
              + allocationSite());
    }
    if (owner == null && !segment.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          "tensor '"
              + tensorName
              + "' is borrowed from a confined arena and may only be used by the thread that opened that arena, not by "
              + Thread.currentThread().getName()
              + "; wrap memory of a shared arena instead");
    }
  }

  /** Whether any thread may use the memory: false for a segment borrowed from a confined arena. */
  public boolean isShareable() {
    return owner != null || segment.isAccessibleBy(Witness.THREAD);
  }

  private String ownerDescription() {
    return owner == null ? "the arena it was borrowed from" : owner.toString();
  }

  private String allocationSite() {
    if (allocatedAt == null) {
      return owner == null
          ? ""
          : "; TensorArena.openTracked(name) records where each tensor was allocated";
    }
    return "; it was allocated " + allocatedAt;
  }

  /** A thread that owns no arena: what it may access, every thread may access. */
  private static final class Witness {
    static final Thread THREAD = Thread.ofPlatform().unstarted(() -> {});
  }
}
