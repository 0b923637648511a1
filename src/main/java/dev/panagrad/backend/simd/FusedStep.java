package dev.panagrad.backend.simd;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.HostStorage;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * What all fused steps share: cutting a long range into chunks for the worker threads, and the
 * elements that do not fill a vector, which are copied into padded buffers and go through the same
 * loop. One optimizer owns one instance; it is not called by two threads at once.
 */
abstract class FusedStep implements StepKernel, WorkerPool.ChunkTask {
  /**
   * Elements below which one thread is used. Waking a parked worker takes some 10 microseconds; at
   * 10 GB/s per core that is 100 KB of traffic.
   */
  private static final long SERIAL_COUNT = 1 << 16;

  /**
   * Elements per chunk: 64 KiB of F32, so that the last chunks balance; a multiple of every vector
   * length.
   */
  private static final long CHUNK_COUNT = 1 << 14;

  private final int lanes;
  private final int elementBytes;
  private final WorkerPool pool;
  private final PaddedBuffers padded;

  private Tensor p;
  private Tensor g;
  private Tensor[] slots;
  private long first;
  private long count;
  private long chunkCount;
  private StepCoefficients c;

  FusedStep(int lanes, int elementBytes, WorkerPool pool, PaddedBuffers padded) {
    this.lanes = lanes;
    this.elementBytes = elementBytes;
    this.pool = pool;
    this.padded = padded;
  }

  /**
   * Steps {@code n} elements, a multiple of the vector length. Each operand is a segment and the
   * byte offset of its first element; slots that the rule does not have repeat the parameters'.
   */
  abstract void vectors(
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
      long n,
      StepCoefficients c);

  @Override
  public final void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    if (count <= SERIAL_COUNT || pool.threads() == 1 || !shareable(p, g, slots)) {
      range(p, g, slots, first, count, c);
      return;
    }
    pool.acquire();
    try {
      this.p = p;
      this.g = g;
      this.slots = slots;
      this.first = first;
      this.count = count;
      this.c = c;
      // At most 2^16 chunks.
      chunkCount = Math.max(CHUNK_COUNT, (count >>> 16) / CHUNK_COUNT * CHUNK_COUNT + CHUNK_COUNT);
      pool.run(this, (int) ((count + chunkCount - 1) / chunkCount));
    } finally {
      this.p = null;
      this.g = null;
      this.slots = null;
      this.c = null;
      pool.release();
    }
  }

  private static boolean shareable(Tensor p, Tensor g, Tensor[] slots) {
    boolean shareable = isShareable(p) && isShareable(g);
    for (Tensor slot : slots) {
      shareable &= isShareable(slot);
    }
    return shareable;
  }

  private static boolean isShareable(Tensor t) {
    return ((HostStorage) t.storage()).isShareable();
  }

  @Override
  public final void run(int chunk, int worker) {
    long from = chunk * chunkCount;
    range(p, g, slots, first + from, Math.min(chunkCount, count - from), c);
  }

  private void range(Tensor p, Tensor g, Tensor[] slots, long from, long n, StepCoefficients c) {
    long whole = n & -lanes;
    if (whole > 0) {
      vectors(
          p.segment(),
          at(p, from),
          g.segment(),
          at(g, from),
          slot(p, slots, 0).segment(),
          at(slot(p, slots, 0), from),
          slot(p, slots, 1).segment(),
          at(slot(p, slots, 1), from),
          slot(p, slots, 2).segment(),
          at(slot(p, slots, 2), from),
          whole,
          c);
    }
    if (whole < n) {
      rest(p, g, slots, from + whole, n - whole, c);
    }
  }

  private static Tensor slot(Tensor p, Tensor[] slots, int index) {
    return index < slots.length ? slots[index] : p;
  }

  private long at(Tensor t, long element) {
    return t.byteOffset() + element * elementBytes;
  }

  private void rest(Tensor p, Tensor g, Tensor[] slots, long from, long n, StepCoefficients c) {
    long bytes = n * elementBytes;
    padded.acquire();
    try {
      MemorySegment[] one = padded.segments;
      MemorySegment.copy(p.segment(), at(p, from), one[0], 0, bytes);
      MemorySegment.copy(g.segment(), at(g, from), one[1], 0, bytes);
      for (int s = 0; s < slots.length; s++) {
        MemorySegment.copy(slots[s].segment(), at(slots[s], from), one[2 + s], 0, bytes);
      }
      vectors(one[0], 0, one[1], 0, one[2], 0, one[3], 0, one[4], 0, lanes, c);
      MemorySegment.copy(one[0], 0, p.segment(), at(p, from), bytes);
      for (int s = 0; s < slots.length; s++) {
        MemorySegment.copy(one[2 + s], 0, slots[s].segment(), at(slots[s], from), bytes);
      }
    } finally {
      padded.release();
    }
  }
}
