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
  private final LongAdder launches = new LongAdder();
  private final LongAdder synchronizations = new LongAdder();
  private final LongAdder deviceAllocations = new LongAdder();

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

  /** Counts a call that starts work on a device: a kernel, a product, or a whole graph of them. */
  public void countLaunch() {
    launches.increment();
  }

  /** Counts a wait of the host for a device. */
  public void countSynchronization() {
    synchronizations.increment();
  }

  /** Counts an allocation of device memory. */
  public void countDeviceAllocation() {
    deviceAllocations.increment();
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

  /** Launches on a device so far; 0 on host backends. */
  public long launches() {
    return launches.sum();
  }

  /** Waits of the host for a device so far; 0 on host backends. */
  public long synchronizations() {
    return synchronizations.sum();
  }

  /** Allocations of device memory so far; 0 on host backends. */
  public long deviceAllocations() {
    return deviceAllocations.sum();
  }

  @Override
  public String toString() {
    String device =
        launches() == 0
            ? ""
            : ", launches %,d, synchronizations %,d, device allocations %,d"
                .formatted(launches(), synchronizations(), deviceAllocations());
    return "copies %,d (%,d bytes), gradient calls %,d, step calls %,d%s"
        .formatted(copies(), copiedBytes(), gradientCalls(), stepCalls(), device);
  }
}
