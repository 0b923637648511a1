package dev.panagrad.backend.simd;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Steps with BF16 state, in blocks that stay in the level-1 cache: conditioning, the rule's loop
 * and thresholds as in {@link FusedStep}. The threshold of an L1 penalty is in the metric of the
 * state as it is kept.
 */
final class Bf16Step extends CompactStep {
  private final Bf16Update rule;
  private final int slots;

  Bf16Step(Bf16Update rule, int slots, FusedStepF32 around, WorkerPool pool, StepBuffers buffers) {
    super(around, pool, buffers);
    this.rule = rule;
    this.slots = slots;
  }

  @Override
  void range(long from, long to, int worker) {
    StateBlock block = buffers.state[worker];
    for (long start = from; start < to; ) {
      // Up to a multiple of the block, so that its random bits have one key.
      long stop = Math.min(to, (start & -StepBuffers.BLOCK_COUNT) + StepBuffers.BLOCK_COUNT);
      for (int s = 0; s < slots; s++) {
        block.random[s] = RoundingBits.of(c.step, s, start);
      }
      int n = (int) (stop - start);
      int whole = n & -LanesF32.COUNT;
      if (whole > 0) {
        Tensor s0 = slot(0);
        Tensor s1 = slot(1);
        Tensor s2 = slot(2);
        step(
            p.segment(),
            at(p, start),
            g.segment(),
            at(g, start),
            s0.segment(),
            half(s0, start),
            s1.segment(),
            half(s1, start),
            s2.segment(),
            half(s2, start),
            whole,
            block,
            worker);
      }
      if (whole < n) {
        for (int s = 0; s < slots; s++) {
          block.random[s] = RoundingBits.after(block.random[s], whole);
        }
        rest(start + whole, n - whole, block, worker);
      }
      start = stop;
    }
  }

  private Tensor slot(int index) {
    return state[Math.min(index, slots - 1)];
  }

  private static long half(Tensor t, long element) {
    return t.byteOffset() + element * Short.BYTES;
  }

  private void step(
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
      StateBlock block,
      int worker) {
    int[] random = block.random;
    MemorySegment pun = block.pun;
    if (FusedStep.isPlain(c)) {
      double scale = c.gradientScale;
      rule.update(p, pAt, g, gAt, s0, s0At, s1, s1At, s2, s2At, n, scale, c, pun, random);
      return;
    }
    MemorySegment h = buffers.conditioned[worker];
    around.condition(p, pAt, g, gAt, h, n, c);
    rule.update(p, pAt, h, 0, s0, s0At, s1, s1At, s2, s2At, n, 1, c, pun, random);
    if (c.l1Step != 0) {
      rule.thresholds(h, s0, s0At, s1, s1At, s2, s2At, n, c, pun);
      around.softThreshold(p, pAt, h, n);
    }
  }

  /** What does not fill a vector. */
  private void rest(long from, int n, StateBlock block, int worker) {
    long bytes = n * (long) Float.BYTES;
    buffers.acquirePadded();
    try {
      MemorySegment[] one = buffers.padded;
      MemorySegment.copy(p.segment(), at(p, from), one[0], 0, bytes);
      MemorySegment.copy(g.segment(), at(g, from), one[1], 0, bytes);
      for (int s = 0; s < slots; s++) {
        MemorySegment.copy(state[s].segment(), half(state[s], from), one[2 + s], 0, bytes / 2);
      }
      step(one[0], 0, one[1], 0, one[2], 0, one[3], 0, one[4], 0, LanesF32.COUNT, block, worker);
      MemorySegment.copy(one[0], 0, p.segment(), at(p, from), bytes);
      for (int s = 0; s < slots; s++) {
        MemorySegment.copy(one[2 + s], 0, state[s].segment(), half(state[s], from), bytes / 2);
      }
    } finally {
      buffers.releasePadded();
    }
  }
}
