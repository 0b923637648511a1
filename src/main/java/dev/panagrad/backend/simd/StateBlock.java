package dev.panagrad.backend.simd;

import dev.panagrad.rule.StateFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One block of state in F32, on which one worker thread computes. Owned by the backend. */
final class StateBlock {
  /**
   * Elements: one block of the formats. More make longer loops, and keep memory idle for longer
   * while codes are decoded and encoded: with 1,024 a step in the cache takes three quarters of the
   * time, and a step from memory half as much again (Adam in BF16, 1 thread, 8 M parameters: 4.5 to
   * 6.6 ms; 2-core AVX-512 x86, 2026-11-25).
   */
  static final int COUNT = StateFormat.BLOCK;

  /**
   * Between the end of a slot and the next, so that equal elements are not equally far into a page:
   * they would compete for the same cache sets.
   */
  private static final int STAGGER_BYTES = 17 * StepBuffers.ALIGNMENT_BYTES;

  final MemorySegment[] slots = new MemorySegment[StepBuffers.SLOTS];

  StateBlock(Arena arena) {
    long bytes = COUNT * (long) Float.BYTES;
    for (int s = 0; s < slots.length; s++) {
      MemorySegment slot = arena.allocate(bytes + STAGGER_BYTES, StepBuffers.ALIGNMENT_BYTES);
      slots[s] = slot.asSlice(0, bytes);
    }
  }
}
