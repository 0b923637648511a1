package dev.panagrad.backend.simd;

import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;

/**
 * A rule's loop over one block of F32 parameters with {@link dev.panagrad.rule.Block8} state.
 * Classes ending in {@code StepBlock8} are generated from those ending in {@code StepF32} ({@code
 * src/main/variants/StepBlock8.template}): lines before the rule's own decode a vector of each slot
 * into the block's memory in F32, where the rule reads and writes it, and a line after it looks for
 * the largest magnitude. So all that comes from memory comes in one loop; {@link Bf16Update} says
 * why.
 */
abstract class Block8Update {
  /**
   * {@link FusedStep#update} over {@link dev.panagrad.rule.StateFormat#BLOCK} elements.
   *
   * @param block has the codes' places and offsets; gets the new state in F32 and its largest
   *     magnitudes
   */
  abstract void update(
      MemorySegment p,
      long pAt,
      MemorySegment g,
      long gAt,
      double scale,
      StepCoefficients c,
      StateBlock block);
}
