package dev.panagrad.backend.simd;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A step over F32 parameters whose state is kept in a compact format: only parameters, gradient and
 * what is kept come from memory. Cuts a long range into chunks for the worker threads; no block of
 * the format is in two of them. One optimizer owns one instance; it is not called by two threads at
 * once.
 */
abstract class CompactStep implements StepKernel, WorkerPool.ChunkTask {
  private final WorkerPool pool;
  final StepBuffers buffers;
  // The rule's kernel for F32 state: conditions gradients, applies thresholds, steps in parts.
  final FusedStepF32 base;

  Tensor p;
  Tensor g;
  Tensor[] state;
  StepCoefficients c;
  private long begin;
  private long first;
  private long end;
  // State vectors of the rule.
  final int slots;

  CompactStep(int slots, FusedStepF32 base, WorkerPool pool, StepBuffers buffers) {
    this.slots = slots;
    this.base = base;
    this.pool = pool;
    this.buffers = buffers;
  }

  /** Steps over the elements from one to before another, by that thread of the pool. */
  abstract void range(long from, long to, int worker);

  @Override
  public final void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    pool.acquire();
    try {
      this.p = p;
      this.g = g;
      this.state = slots;
      this.first = first;
      this.end = first + count;
      this.c = c;
      begin = first & -StateFormat.BLOCK;
      boolean isShort = count <= FusedStep.SERIAL_COUNT || pool.threads() == 1;
      if (isShort || !FusedStep.shareable(p, g, slots)) {
        range(first, end, 0);
      } else {
        pool.run(this, (int) Math.ceilDiv(end - begin, FusedStep.CHUNK_COUNT));
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
  public final void run(int chunk, int worker) {
    long from = begin + chunk * FusedStep.CHUNK_COUNT;
    range(Math.max(first, from), Math.min(end, from + FusedStep.CHUNK_COUNT), worker);
  }

  static long at(Tensor t, long element) {
    return t.byteOffset() + element * Float.BYTES;
  }

  /** Reads a block of all slots into {@link StateBlock#slots}. */
  abstract void decode(long b, StateBlock into);

  /** Rounds a block of all slots by the random bits of the step, and writes it. */
  abstract void encode(long b, StateBlock from);

  /** Steps over some elements of one block, by loops of their own for decoding and encoding. */
  final void part(long from, int n, StateBlock block, int worker) {
    long b = from / StateFormat.BLOCK;
    decode(b, block);
    long at = from % StateFormat.BLOCK * Float.BYTES;
    int whole = n & -LanesF32.COUNT;
    if (whole > 0) {
      step(p.segment(), at(p, from), g.segment(), at(g, from), block.slots, at, whole, worker);
    }
    if (whole < n) {
      rest(from + whole, n - whole, block.slots, at + (long) whole * Float.BYTES, worker);
    }
    encode(b, block);
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
    base.step(ps, pAt, gs, gAt, s[0], at, s[1], at, s[2], at, n, c, worker);
  }

  /** What does not fill a vector. */
  private void rest(long from, int n, MemorySegment[] s, long at, int worker) {
    long bytes = n * (long) Float.BYTES;
    buffers.acquirePadded();
    try {
      MemorySegment[] one = buffers.padded;
      MemorySegment[] padded = buffers.paddedSlots;
      MemorySegment.copy(p.segment(), at(p, from), one[0], 0, bytes);
      MemorySegment.copy(g.segment(), at(g, from), one[1], 0, bytes);
      for (int slot = 0; slot < slots; slot++) {
        MemorySegment.copy(s[slot], at, padded[slot], 0, bytes);
      }
      step(one[0], 0, one[1], 0, padded, 0, LanesF32.COUNT, worker);
      MemorySegment.copy(one[0], 0, p.segment(), at(p, from), bytes);
      for (int slot = 0; slot < slots; slot++) {
        MemorySegment.copy(padded[slot], 0, s[slot], at, bytes);
      }
    } finally {
      buffers.releasePadded();
    }
  }
}
