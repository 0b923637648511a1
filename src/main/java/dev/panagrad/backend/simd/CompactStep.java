package dev.panagrad.backend.simd;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A step over F32 parameters whose state is kept in a compact format.
 *
 * <pre>
 *   for each block
 *     decode its state into arrays
 *     h = clamp(scale * g) + decay * p, p = shrink * p       where the step asks for it
 *     the rule's loop
 *     p = softThreshold(p)                                   where the step asks for it
 *     encode the arrays
 * </pre>
 *
 * <p>Only parameters, gradient and codes come from memory. Formats have blocks of their own, with a
 * common scale, and only whole ones are decoded and encoded: where a range ends inside of one, the
 * block's other numbers are rounded anew, which leaves almost all as they are. One optimizer owns
 * one instance; it is not called by two threads at once.
 */
final class CompactStep implements StepKernel, WorkerPool.ChunkTask {
  /** As {@code FusedStep}'s. */
  private static final long SERIAL_COUNT = 1 << 16;

  private static final long CHUNK_COUNT = 1 << 14;

  private final FusedStepF32 rule;
  private final StateCodec codec;
  private final WorkerPool pool;
  private final StepBuffers buffers;

  private Tensor p;
  private Tensor g;
  private Tensor[] state;
  private long begin;
  private long first;
  private long end;
  private long chunkCount;
  private StepCoefficients c;

  /** A step of that rule, whose loops are those of its kernel. */
  CompactStep(FusedStepF32 rule, StateCodec codec, WorkerPool pool, StepBuffers buffers) {
    this.rule = rule;
    this.codec = codec;
    this.pool = pool;
    this.buffers = buffers;
  }

  @Override
  public void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    pool.acquire();
    try {
      this.p = p;
      this.g = g;
      this.state = slots;
      this.first = first;
      this.end = first + count;
      this.c = c;
      // No block of state is shared between chunks, of which there are at most 2^16.
      begin = first & -StateFormat.BLOCK;
      chunkCount = (((end - begin) >>> 16) / CHUNK_COUNT + 1) * CHUNK_COUNT;
      if (count <= SERIAL_COUNT || pool.threads() == 1 || !FusedStep.shareable(p, g, slots)) {
        range(first, end, 0);
      } else {
        pool.run(this, (int) Math.ceilDiv(end - begin, chunkCount));
      }
    } finally {
      this.p = null;
      this.g = null;
      this.state = null;
      this.c = null;
      pool.release();
    }
  }

  @Override
  public void run(int chunk, int worker) {
    long from = begin + chunk * chunkCount;
    range(Math.max(first, from), Math.min(end, from + chunkCount), worker);
  }

  private void range(long from, long to, int worker) {
    StateBlock block = buffers.state[worker];
    for (long b = from / StateFormat.BLOCK; b * StateFormat.BLOCK < to; b++) {
      codec.decode(state, b, block);
      long start = b * StateFormat.BLOCK;
      long a = Math.max(from, start);
      long at = (a - start) * Float.BYTES;
      int n = (int) (Math.min(to, start + StateFormat.BLOCK) - a);
      int whole = n & -LanesF32.COUNT;
      if (whole > 0) {
        step(p.segment(), at(p, a), g.segment(), at(g, a), block.slots, at, whole, worker);
      }
      if (whole < n) {
        rest(a + whole, n - whole, block.slots, at + (long) whole * Float.BYTES, worker);
      }
      codec.encode(state, b, block, c.step);
    }
  }

  private static long at(Tensor t, long element) {
    return t.byteOffset() + element * Float.BYTES;
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
      rule.update(ps, pAt, gs, gAt, s[0], at, s[1], at, s[2], at, n, c.gradientScale, c);
      return;
    }
    MemorySegment h = buffers.conditioned[worker];
    rule.condition(ps, pAt, gs, gAt, h, n, c);
    rule.update(ps, pAt, h, 0, s[0], at, s[1], at, s[2], at, n, 1, c);
    if (c.l1Step != 0) {
      rule.thresholds(h, s[0], at, s[1], at, s[2], at, n, c);
      rule.softThreshold(ps, pAt, h, n);
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
