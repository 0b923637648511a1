package dev.panagrad.backend.simd;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;

/**
 * Steps with {@link dev.panagrad.rule.Block8} state, block by block of the format: its codes become
 * F32, on which the rule computes, and it becomes codes again. The loop of {@link Block8Update}
 * does the first two at once; where gradients are conditioned or a block is not whole, decoding,
 * the loops of {@link FusedStep} and encoding follow one another.
 *
 * <p>Only whole blocks are decoded and encoded, as they have a common scale: where a range ends
 * inside of one, its other numbers are rounded anew, which leaves them as they are but for those
 * that the block's largest has grown too far away from.
 */
final class Block8Step extends CompactStep {
  private final Block8Update rule;
  private final Block8Codec codec;

  Block8Step(
      Block8Update rule,
      Block8Codec codec,
      FusedStepF32 base,
      WorkerPool pool,
      StepBuffers buffers) {
    super(codec.slots(), base, pool, buffers);
    this.rule = rule;
    this.codec = codec;
  }

  @Override
  void range(long from, long to, int worker) {
    StateBlock block = buffers.state[worker];
    for (long b = from / StateFormat.BLOCK; b * StateFormat.BLOCK < to; b++) {
      long start = b * StateFormat.BLOCK;
      boolean isWhole = from <= start && start + StateFormat.BLOCK <= to;
      if (isWhole && FusedStep.isPlain(c) && isFinite(b, block)) {
        double scale = c.gradientScale;
        rule.update(p.segment(), at(p, start), g.segment(), at(g, start), scale, c, block);
        codec.encode(state, b, block, c.step);
      } else {
        long a = Math.max(from, start);
        part(a, (int) (Math.min(to, start + StateFormat.BLOCK) - a), block, worker);
      }
    }
  }

  /** Whether no scale of the block is NaN; then its places and offsets are noted. */
  private boolean isFinite(long b, StateBlock block) {
    for (int slot = 0; slot < slots; slot++) {
      float scale = Block8Codec.scale(state, slot, b);
      if (Float.isNaN(scale)) {
        return false;
      }
      block.codeSegments[slot] = state[2 * slot].segment();
      block.codesAt[slot] = Block8Codec.codesAt(state, slot, b);
      block.offsets[slot] = codec.offset(scale, slot);
    }
    return true;
  }

  @Override
  void decode(long b, StateBlock into) {
    codec.decode(state, b, into);
  }

  @Override
  void encode(long b, StateBlock from) {
    codec.findLargest(from);
    codec.encode(state, b, from, c.step);
  }
}
