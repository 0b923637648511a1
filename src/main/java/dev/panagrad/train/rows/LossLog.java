package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Gradient;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * The losses of batches between two looks at them: one on a backend that computes in host memory,
 * many on a device, where each look waits for all its work.
 *
 * <pre>
 *   losses    | batch 0: outputs | batch 1 | ... |     F64, where gradient kernels write
 * </pre>
 */
public final class LossLog {
  private static final int DEVICE_BATCHES = 64; // that a device may be ahead of the host
  private final Backend backend;
  private final Tensor written;
  private final Tensor host;
  private final Gradient[] batches;
  private final long[] rows;
  private final long[] steps;
  private final double[] rates;
  private int count;

  /** A log of that regression's losses; awaited where each step waits for the device anyway. */
  public LossLog(
      Backend backend, TensorArena arena, LinearRegression regression, boolean isAwaited) {
    long outputs = regression.model().outputs();
    int capacity = backend.usesHostMemory() || isAwaited ? 1 : DEVICE_BATCHES;
    this.backend = backend;
    written = backend.allocate(arena, "losses", DType.F64, Shape.of(capacity, outputs));
    host =
        written.isHost()
            ? written
            : arena.allocate("losses on the host", DType.F64, capacity, outputs);
    batches = new Gradient[capacity];
    for (int i = 0; i < capacity; i++) {
      batches[i] = regression.withLossIn(written.rows(i, 1).reshape(outputs));
    }
    rows = new long[capacity];
    steps = new long[capacity];
    rates = new double[capacity];
  }

  public Gradient next(long batchRows) {
    return next(batchRows, 0, 0);
  }

  /**
   * The next batch's gradient, whose losses go here; with the step that it is for, from 1, and the
   * learning rate before it.
   */
  public Gradient next(long batchRows, long step, double rate) {
    rows[count] = batchRows;
    steps[count] = step;
    rates[count] = rate;
    return batches[count++];
  }

  public boolean isFull() {
    return count == batches.length;
  }

  /** Makes the losses since the last call readable, and returns of how many batches. */
  public int read() {
    if (count > 0 && host != written) {
      backend.copy(written, host);
    }
    int read = count;
    count = 0;
    return read;
  }

  /** Begins anew after a batch whose losses never came. */
  public void clear() {
    count = 0;
  }

  // What was read, by batch.

  public double loss(int batch, int output) {
    return host.get(batch, output);
  }

  public long rows(int batch) {
    return rows[batch];
  }

  public long step(int batch) {
    return steps[batch];
  }

  public double rate(int batch) {
    return rates[batch];
  }
}
