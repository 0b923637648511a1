package dev.panagrad.backend.simd;

import dev.panagrad.rule.StateFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One block of state in F32, on which one worker thread computes. Owned by the backend. */
final class StateBlock {
  /**
   * Between the end of a slot and the next, so that equal elements are not equally far into a page:
   * they would compete for the same cache sets.
   */
  private static final int STAGGER_BYTES = 17 * StepBuffers.ALIGNMENT_BYTES;

  final MemorySegment[] slots = new MemorySegment[StepBuffers.SLOTS];

  StateBlock(Arena arena) {
    long bytes = StateFormat.BLOCK * (long) Float.BYTES;
    for (int s = 0; s < slots.length; s++) {
      MemorySegment slot = arena.allocate(bytes + STAGGER_BYTES, StepBuffers.ALIGNMENT_BYTES);
      slots[s] = slot.asSlice(0, bytes);
    }
  }
}
