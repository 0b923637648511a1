package dev.panagrad.backend;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what a backend does, so that "zero copies per step" is an assertion and not a sentence.
 * Counting allocates nothing. Threading: may be read and counted from any thread.
 */
public final class StepTrace {
  private final LongAdder copies = new LongAdder();
  private final LongAdder copiedBytes = new LongAdder();
  private final LongAdder gradientCalls = new LongAdder();
  private final LongAdder stepCalls = new LongAdder();

  /** All counters at zero. */
  public StepTrace() {}

  /** Counts a copy of tensor elements. */
  public void countCopy(long bytes) {
    copies.increment();
    copiedBytes.add(bytes);
  }

  /** Counts a gradient kernel call. */
  public void countGradient() {
    gradientCalls.increment();
  }

  /** Counts an optimizer step, of one kernel call or two. */
  public void countStep() {
    stepCalls.increment();
  }

  /** Copies of tensors so far. */
  public long copies() {
    return copies.sum();
  }

  /** Bytes of those copies. */
  public long copiedBytes() {
    return copiedBytes.sum();
  }

  /** Gradient kernel calls so far. */
  public long gradientCalls() {
    return gradientCalls.sum();
  }

  /** Optimizer steps so far. */
  public long stepCalls() {
    return stepCalls.sum();
  }

  @Override
  public String toString() {
    return "copies %,d (%,d bytes), gradient calls %,d, step calls %,d"
        .formatted(copies(), copiedBytes(), gradientCalls(), stepCalls());
  }
}
