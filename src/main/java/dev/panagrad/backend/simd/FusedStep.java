package dev.panagrad.backend.simd;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * What all fused steps share: cutting a long range into chunks for the worker threads; clipping,
 * decay and L1 penalty; and the elements that do not fill a vector, which are copied into padded
 * buffers and go through the same loops. One optimizer owns one instance; it is not called by two
 * threads at once.
 *
 * <p>A step that clips, decays or penalizes works in blocks that stay in the level-1 cache, so that
 * memory is still read and written once:
 *
 * <pre>
 *   for each block
 *     h = clamp(scale * g) + decay * p, into a buffer; p = shrink * p
 *     the rule's loop with h as its gradient
 *     the L1 threshold of each element, into the buffer; p = softThreshold(p)
 * </pre>
 *
 * These are separate loops and not branches of one: what a step does not need costs it nothing, and
 * no vector is changed under a condition.
 */
abstract class FusedStep implements StepKernel, WorkerPool.ChunkTask {
  /**
   * Elements below which one thread is used. Waking a parked worker takes some 10 microseconds; at
   * 10 GB/s per core that is 100 KB of traffic.
   */
  static final long SERIAL_COUNT = 1 << 16;

  /**
   * Elements per chunk: 64 KiB of F32, so that the last ones balance; a multiple of all vectors.
   */
  static final long CHUNK_COUNT = 1 << 14;

  /**
   * Elements per call of a rule's loop, at most, so that its counter and offsets are int: the
   * compiler turns a loop over long into two nested ones (Adam, 1,024 parameters: 432 to 300 ns;
   * 2-core AVX-512 x86, 2026-11-24). A multiple of every vector length.
   */
  private static final int LOOP_COUNT = 1 << 24;

  private final int lanes;
  private final int elementBytes;
  private final WorkerPool pool;
  private final StepBuffers buffers;

  private Tensor p;
  private Tensor g;
  private Tensor[] slots;
  private long first;
  private long count;
  private StepCoefficients c;

  FusedStep(int lanes, int elementBytes, WorkerPool pool, StepBuffers buffers) {
    this.lanes = lanes;
    this.elementBytes = elementBytes;
    this.pool = pool;
    this.buffers = buffers;
  }

  /**
   * The rule's loop over {@code n} elements, a multiple of the vector length. Each operand is a
   * segment and the byte offset of its first element; slots that the rule does not have repeat the
   * parameters'.
   *
   * @param scale factor of the gradient
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
      StepCoefficients c);

  /** {@code h = clamp(scale * g) + decay * p; p = shrink * p} over {@code n} elements. */
  abstract void conditionGradient(
      MemorySegment p,
      long pAt,
      MemorySegment g,
      long gAt,
      MemorySegment h,
      int n,
      StepCoefficients c);

  /** How far the L1 penalty moves each of {@code n} parameters, in the metric of the last step. */
  abstract void thresholds(
      MemorySegment ts,
      MemorySegment s0,
      long s0At,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      StepCoefficients c);

  /** The proximal map of {@code sum t |p|} over {@code n} parameters. */
  abstract void softThreshold(MemorySegment p, long pAt, MemorySegment ts, int n);

  @Override
  public final void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    boolean serial = count <= SERIAL_COUNT || pool.threads() == 1 || !shareable(p, g, slots);
    if (serial && isPlain(c)) {
      range(p, g, slots, first, count, c, 0);
      return;
    }
    pool.acquire();
    try {
      if (serial) {
        range(p, g, slots, first, count, c, 0);
        return;
      }
      this.p = p;
      this.g = g;
      this.slots = slots;
      this.first = first;
      this.count = count;
      this.c = c;
      pool.run(this, (int) Math.ceilDiv(count, CHUNK_COUNT));
    } finally {
      this.p = null;
      this.g = null;
      this.slots = null;
      this.c = null;
      pool.release();
    }
  }

  /** Whether a step neither clips values, decays nor penalizes. */
  static boolean isPlain(StepCoefficients c) {
    return c.clipValue == Double.POSITIVE_INFINITY
        && c.coupledDecay == 0
        && c.shrink == 1
        && c.l1Step == 0;
  }

  static boolean shareable(Tensor p, Tensor g, Tensor[] slots) {
    boolean shareable = p.isShareable() && g.isShareable();
    for (Tensor slot : slots) {
      shareable &= slot.isShareable();
    }
    return shareable;
  }

  @Override
  public final void run(int chunk, int worker) {
    long from = chunk * CHUNK_COUNT;
    range(p, g, slots, first + from, Math.min(CHUNK_COUNT, count - from), c, worker);
  }

  private void range(
      Tensor p, Tensor g, Tensor[] slots, long from, long n, StepCoefficients c, int worker) {
    long whole = n & -lanes;
    if (whole < n) {
      // First: it needs the backend's memory, and refuses before anything has changed.
      rest(p, g, slots, from + whole, n - whole, c, worker);
    }
    if (whole > 0) {
      Tensor s0 = slot(p, slots, 0);
      Tensor s1 = slot(p, slots, 1);
      Tensor s2 = slot(p, slots, 2);
      step(
          p.segment(),
          at(p, from),
          g.segment(),
          at(g, from),
          s0.segment(),
          at(s0, from),
          s1.segment(),
          at(s1, from),
          s2.segment(),
          at(s2, from),
          whole,
          c,
          worker);
    }
  }

  /** Conditions gradients, updates and applies thresholds. */
  final void step(
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
      StepCoefficients c,
      int worker) {
    if (isPlain(c)) {
      for (long done = 0; done < n; done += LOOP_COUNT) {
        int m = (int) Math.min(LOOP_COUNT, n - done);
        long o = done * elementBytes;
        update(
            p,
            pAt + o,
            g,
            gAt + o,
            s0,
            s0At + o,
            s1,
            s1At + o,
            s2,
            s2At + o,
            m,
            c.gradientScale,
            c);
      }
      return;
    }
    MemorySegment h = buffers.conditioned[worker];
    for (long done = 0; done < n; done += StepBuffers.BLOCK_COUNT) {
      int m = (int) Math.min(StepBuffers.BLOCK_COUNT, n - done);
      long o = done * elementBytes;
      conditionGradient(p, pAt + o, g, gAt + o, h, m, c);
      update(p, pAt + o, h, 0, s0, s0At + o, s1, s1At + o, s2, s2At + o, m, 1, c);
      if (c.l1Step != 0) {
        thresholds(h, s0, s0At + o, s1, s1At + o, s2, s2At + o, m, c);
        softThreshold(p, pAt + o, h, m);
      }
    }
  }

  private static Tensor slot(Tensor p, Tensor[] slots, int index) {
    return index < slots.length ? slots[index] : p;
  }

  private long at(Tensor t, long element) {
    return t.byteOffset() + element * elementBytes;
  }

  private void rest(
      Tensor p, Tensor g, Tensor[] slots, long from, long n, StepCoefficients c, int worker) {
    long bytes = n * elementBytes;
    buffers.acquirePadded();
    try {
      MemorySegment[] one = buffers.padded;
      MemorySegment.copy(p.segment(), at(p, from), one[0], 0, bytes);
      MemorySegment.copy(g.segment(), at(g, from), one[1], 0, bytes);
      for (int s = 0; s < slots.length; s++) {
        MemorySegment.copy(slots[s].segment(), at(slots[s], from), one[2 + s], 0, bytes);
      }
      step(one[0], 0, one[1], 0, one[2], 0, one[3], 0, one[4], 0, lanes, c, worker);
      MemorySegment.copy(one[0], 0, p.segment(), at(p, from), bytes);
      for (int s = 0; s < slots.length; s++) {
        MemorySegment.copy(one[2 + s], 0, slots[s].segment(), at(slots[s], from), bytes);
      }
    } finally {
      buffers.releasePadded();
    }
  }
}
