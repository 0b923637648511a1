package dev.panagrad.backend.simd;

import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;

/**
 * A rule's loop over F32 parameters with BF16 state. Classes ending in {@code StepBf16} are
 * generated from those ending in {@code StepF32} ({@code src/main/variants/StepBf16.template}):
 * what these load from a slot or store into it is loaded from {@code pun} or stored there, and
 * lines before and after the rule's own widen the slot into it and round it.
 *
 * <p><b>Why in one loop.</b> Decoding, stepping and encoding by loops of their own reads memory in
 * turns, which the processor does not read ahead; times are in the package's documentation.
 *
 * <p><b>Why through memory.</b> {@code pun} holds a vector of each slot while its type changes
 * between F32 and integer. The operation for that, {@code reinterpretAsInts}, has a price that
 * others pay: until it is compiled it goes through a heap segment, and loads and stores of
 * segments, which have only seen native ones, are compiled for both kinds from then on, everywhere
 * in the process, at three times the time for a loop that stores.
 */
abstract class Bf16Update {
  /** Where the slots' vectors are in {@code pun}. */
  static final long SLOT_0 = 0;

  static final long SLOT_1 = 64;
  static final long SLOT_2 = 128;
  static final int PUN_BYTES = 192;

  /** Of a NaN's bits, so that the upper half of it is one. */
  static final int QUIET = 0x400000;

  /**
   * {@link FusedStep#update} with BF16 slots.
   *
   * @param pun memory of this thread
   * @param random for each slot, the random bits of its first element
   */
  abstract void update(
      MemorySegment p,
      long pAt,
      MemorySegment g,
      long gAt,
      MemorySegment s0,
      long s0At,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c,
      MemorySegment pun,
      int[] random);
}
