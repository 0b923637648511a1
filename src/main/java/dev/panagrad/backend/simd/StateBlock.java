package dev.panagrad.backend.simd;

import dev.panagrad.rule.StateFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What one worker thread needs for state in compact formats. Owned by the backend. */
final class StateBlock {
  /**
   * Between the end of a slot and the next, so that equal elements are not equally far into a page:
   * they would compete for the same cache sets.
   */
  private static final int STAGGER_BYTES = 17 * StepBuffers.ALIGNMENT_BYTES;

  // A block of state in F32.
  final MemorySegment[] slots = new MemorySegment[StepBuffers.SLOTS];
  // The codes of a block, with room for more.
  final MemorySegment codes;
  // The bits of the largest magnitude of each slot.
  final int[] largest = new int[StepBuffers.SLOTS];
  // Where each slot's codes of the block are, and what is added to them.
  final MemorySegment[] codeSegments = new MemorySegment[StepBuffers.SLOTS];

  final long[] codesAt = new long[StepBuffers.SLOTS];
  final int[] offsets = new int[StepBuffers.SLOTS];
  // For Bf16Update.
  final MemorySegment pun;

  final int[] random = new int[StepBuffers.SLOTS];

  StateBlock(Arena arena) {
    codes = arena.allocate(2L * StateFormat.BLOCK, StepBuffers.ALIGNMENT_BYTES);
    pun = arena.allocate(Bf16Update.PUN_BYTES, StepBuffers.ALIGNMENT_BYTES);
    long bytes = StateFormat.BLOCK * (long) Float.BYTES;
    for (int s = 0; s < slots.length; s++) {
      MemorySegment slot = arena.allocate(bytes + STAGGER_BYTES, StepBuffers.ALIGNMENT_BYTES);
      slots[s] = slot.asSlice(0, bytes);
    }
  }
}
