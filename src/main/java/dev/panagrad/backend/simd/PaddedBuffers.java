package dev.panagrad.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One vector of memory per operand of a step, for elements that do not fill a vector. Owned by the
 * backend, used by one step at a time.
 */
final class PaddedBuffers {
  /** Parameters, gradient and at most three slots. */
  private static final int OPERANDS = 5;

  private static final int BYTES = 64;

  final MemorySegment[] segments = new MemorySegment[OPERANDS];
  private final ReentrantLock turn = new ReentrantLock();

  PaddedBuffers(Arena arena) {
    for (int i = 0; i < OPERANDS; i++) {
      segments[i] = arena.allocate(BYTES, BYTES);
    }
  }

  void acquire() {
    turn.lock();
  }

  void release() {
    turn.unlock();
  }
}
