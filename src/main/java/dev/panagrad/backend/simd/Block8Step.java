package dev.panagrad.backend.simd;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;
import java.lang.foreign.MemorySegment;

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

  /**
   * A step of that rule.
   *
   * @param around its kernel for F32 state
   */
  Block8Step(
      Block8Update rule,
      Block8Codec codec,
      FusedStepF32 around,
      WorkerPool pool,
      StepBuffers buffers) {
    super(around, pool, buffers);
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
      } else {
        long a = Math.max(from, start);
        part(a, (int) (Math.min(to, start + StateFormat.BLOCK) - a), b, block, worker);
      }
      codec.encode(state, b, block, c.step);
    }
  }

  /** Whether no scale of the block is NaN; then its places and offsets are noted. */
  private boolean isFinite(long b, StateBlock block) {
    for (int slot = 0; slot < codec.slots(); slot++) {
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

  private void part(long from, int n, long b, StateBlock block, int worker) {
    codec.decode(state, b, block);
    long at = from % StateFormat.BLOCK * Float.BYTES;
    int whole = n & -LanesF32.COUNT;
    if (whole > 0) {
      step(p.segment(), at(p, from), g.segment(), at(g, from), block.slots, at, whole, worker);
    }
    if (whole < n) {
      rest(from + whole, n - whole, block.slots, at + (long) whole * Float.BYTES, worker);
    }
    codec.findLargest(block);
  }

  private void step(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment[] s,
      long at,
      int n,
      int worker) {
    if (FusedStep.isPlain(c)) {
      around.update(ps, pAt, gs, gAt, s[0], at, s[1], at, s[2], at, n, c.gradientScale, c);
      return;
    }
    MemorySegment h = buffers.conditioned[worker];
    around.condition(ps, pAt, gs, gAt, h, n, c);
    around.update(ps, pAt, h, 0, s[0], at, s[1], at, s[2], at, n, 1, c);
    if (c.l1Step != 0) {
      around.thresholds(h, s[0], at, s[1], at, s[2], at, n, c);
      around.softThreshold(ps, pAt, h, n);
    }
  }

  /** What does not fill a vector. */
  private void rest(long from, int n, MemorySegment[] s, long at, int worker) {
    long bytes = n * (long) Float.BYTES;
    buffers.acquirePadded();
    try {
      MemorySegment[] one = buffers.padded;
      MemorySegment[] slots = buffers.paddedSlots;
      MemorySegment.copy(p.segment(), at(p, from), one[0], 0, bytes);
      MemorySegment.copy(g.segment(), at(g, from), one[1], 0, bytes);
      for (int slot = 0; slot < codec.slots(); slot++) {
        MemorySegment.copy(s[slot], at, slots[slot], 0, bytes);
      }
      step(one[0], 0, one[1], 0, slots, 0, LanesF32.COUNT, worker);
      MemorySegment.copy(one[0], 0, p.segment(), at(p, from), bytes);
      for (int slot = 0; slot < codec.slots(); slot++) {
        MemorySegment.copy(slots[slot], 0, s[slot], at, bytes);
      }
    } finally {
      buffers.releasePadded();
    }
  }
}
