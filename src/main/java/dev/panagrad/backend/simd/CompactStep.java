package dev.panagrad.backend.simd;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.tensor.Tensor;

/**
 * A step over F32 parameters whose state is kept in a compact format: only parameters, gradient and
 * what is kept come from memory. Cuts a long range into chunks for the worker threads; no block of
 * the format is in two of them. One optimizer owns one instance; it is not called by two threads at
 * once.
 */
abstract class CompactStep implements StepKernel, WorkerPool.ChunkTask {
  private final WorkerPool pool;
  final StepBuffers buffers;

  /** Conditions gradients and applies thresholds. */
  final FusedStepF32 around;

  Tensor p;
  Tensor g;
  Tensor[] state;
  StepCoefficients c;
  private long begin;
  private long first;
  private long end;
  private long chunkCount;

  CompactStep(FusedStepF32 around, WorkerPool pool, StepBuffers buffers) {
    this.around = around;
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
      // At most 2^16 chunks.
      chunkCount = (((end - begin) >>> 16) / FusedStep.CHUNK_COUNT + 1) * FusedStep.CHUNK_COUNT;
      boolean isShort = count <= FusedStep.SERIAL_COUNT || pool.threads() == 1;
      if (isShort || !FusedStep.shareable(p, g, slots)) {
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
  public final void run(int chunk, int worker) {
    long from = begin + chunk * chunkCount;
    range(Math.max(first, from), Math.min(end, from + chunkCount), worker);
  }

  /** Where an element of F32 is. */
  static long at(Tensor t, long element) {
    return t.byteOffset() + element * Float.BYTES;
  }
}
