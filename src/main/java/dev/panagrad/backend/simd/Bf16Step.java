package dev.panagrad.backend.simd;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Steps with BF16 state. The loop of {@link Bf16Update} widens, steps and rounds at once, over
 * blocks that stay in the level-1 cache where gradients are conditioned. The thresholds of an L1
 * penalty are in the metric of the state before it is rounded: with one, and where a block of the
 * format is not whole, widening, the loops of {@link FusedStep} and rounding follow one another.
 */
final class Bf16Step extends CompactStep {
  private final Bf16Update rule;

  /** Steps of a rule with that many state vectors. */
  Bf16Step(Bf16Update rule, int slots, FusedStepF32 base, WorkerPool pool, StepBuffers buffers) {
    super(slots, base, pool, buffers);
    this.rule = rule;
  }

  @Override
  void range(long from, long to, int worker) {
    StateBlock block = buffers.state[worker];
    for (long start = from; start < to; ) {
      // Up to a multiple of the block, so that its random bits have one key.
      long stop = Math.min(to, (start & -StepBuffers.BLOCK_COUNT) + StepBuffers.BLOCK_COUNT);
      boolean isAtBlock = start % StateFormat.BLOCK == 0;
      if (isAtBlock && stop - start >= StateFormat.BLOCK && c.l1Step == 0) {
        stop &= -StateFormat.BLOCK;
        whole(start, (int) (stop - start), block, worker);
      } else {
        stop = Math.min(stop, (start & -StateFormat.BLOCK) + StateFormat.BLOCK);
        part(start, (int) (stop - start), block, worker);
      }
      start = stop;
    }
  }

  private void whole(long start, int n, StateBlock block, int worker) {
    MemorySegment gs = g.segment();
    long gAt = at(g, start);
    double scale = c.gradientScale;
    if (!FusedStep.isPlain(c)) {
      MemorySegment h = buffers.conditioned[worker];
      base.conditionGradient(p.segment(), at(p, start), gs, gAt, h, n, c);
      gs = h;
      gAt = 0;
      scale = 1;
    }
    Tensor s0 = slot(0);
    Tensor s1 = slot(1);
    Tensor s2 = slot(2);
    for (int s = 0; s < slots; s++) {
      block.random[s] = RoundingBits.of(c.step, s, start);
    }
    rule.update(
        p.segment(),
        at(p, start),
        gs,
        gAt,
        s0.segment(),
        Bf16Codec.at(s0, start),
        s1.segment(),
        Bf16Codec.at(s1, start),
        s2.segment(),
        Bf16Codec.at(s2, start),
        n,
        scale,
        c,
        block.pun,
        block.random);
  }

  private Tensor slot(int index) {
    return state[Math.min(index, slots - 1)];
  }

  @Override
  void decode(long b, StateBlock into) {
    for (int s = 0; s < slots; s++) {
      Bf16Codec.decode(state[s], b, into.slots[s]);
    }
  }

  @Override
  void encode(long b, StateBlock from) {
    for (int s = 0; s < slots; s++) {
      int random = RoundingBits.of(c.step, s, b * StateFormat.BLOCK);
      Bf16Codec.encode(from.slots[s], random, state[s], b);
    }
  }
}
