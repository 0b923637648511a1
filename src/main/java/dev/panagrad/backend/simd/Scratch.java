package dev.panagrad.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Native memory that a kernel keeps between calls and that grows; used under the pool's turn. */
final class Scratch implements AutoCloseable {
  private static final long ALIGNMENT_BYTES = 64;

  private Arena arena;
  private MemorySegment memory = MemorySegment.NULL;

  /** At least that many bytes, of any content; the same memory until a larger call. */
  MemorySegment atLeast(long bytes) {
    if (memory.byteSize() < bytes) {
      close();
      arena = Arena.ofShared();
      memory = arena.allocate(bytes, ALIGNMENT_BYTES);
    }
    return memory;
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
      memory = MemorySegment.NULL;
    }
  }
}
