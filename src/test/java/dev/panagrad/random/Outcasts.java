package dev.panagrad.random;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that no call may touch: of an arena that is closed, and of one that is another thread's.
 */
final class Outcasts {
  final MemorySegment closed;
  final MemorySegment confined;

  Outcasts(long bytes) {
    try (Arena arena = Arena.ofShared()) {
      closed = arena.allocate(bytes, 64);
    }
    MemorySegment[] foreign = new MemorySegment[1];
    Thread owner = new Thread(() -> foreign[0] = Arena.ofConfined().allocate(bytes, 64));
    owner.start();
    try {
      owner.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    confined = foreign[0];
  }
}
