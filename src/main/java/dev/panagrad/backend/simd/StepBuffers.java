package dev.panagrad.backend.simd;

import dev.panagrad.backend.Lifetime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/** Small native memory that the fused steps of one backend share. Owned by the backend. */
final class StepBuffers implements AutoCloseable {
  // Elements of a block: 8 KiB in F64, so that it and operands stay in the level-1 cache.
  static final int BLOCK_COUNT = 1024;
  // State vectors of a rule, at most.
  static final int SLOTS = 3;
  // Parameters, gradient and slots.
  private static final int OPERANDS = 2 + SLOTS;

  static final int ALIGNMENT_BYTES = 64;
  // One vector per operand, for elements that do not fill one; used by one step at a time.
  final MemorySegment[] padded = new MemorySegment[OPERANDS];
  // Those of them that are for slots.
  final MemorySegment[] paddedSlots;
  // One block of conditioned gradient per thread of the pool.
  final MemorySegment[] conditioned;
  // One block of state per thread of the pool, for state in compact formats.
  final StateBlock[] state;

  private final ReentrantLock paddedTurn = new ReentrantLock();

  private final Lifetime lifetime;
  // Guarded by the turn.
  private boolean closed;

  StepBuffers(Lifetime lifetime, Arena arena, int threads) {
    this.lifetime = lifetime;
    Arrays.setAll(padded, _ -> arena.allocate(ALIGNMENT_BYTES, ALIGNMENT_BYTES));
    paddedSlots = Arrays.copyOfRange(padded, OPERANDS - SLOTS, OPERANDS);
    conditioned = new MemorySegment[threads];
    Arrays.setAll(
        conditioned, _ -> arena.allocate((long) BLOCK_COUNT * Double.BYTES, ALIGNMENT_BYTES));
    state = new StateBlock[threads];
    Arrays.setAll(state, _ -> new StateBlock(arena));
  }

  /**
   * Takes the padded vectors; {@link #releasePadded} must follow. Throws {@link
   * IllegalStateException} if the backend has been closed.
   */
  void acquirePadded() {
    paddedTurn.lock();
    if (closed) {
      paddedTurn.unlock();
      throw lifetime.closed();
    }
  }

  void releasePadded() {
    paddedTurn.unlock();
  }

  /** Waits until no step has the padded vectors any more; later ones are refused. */
  @Override
  public void close() {
    paddedTurn.lock();
    try {
      closed = true;
    } finally {
      paddedTurn.unlock();
    }
  }
}
