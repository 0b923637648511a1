package dev.panagrad.backend;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what a backend does, so that "zero copies per step" is an assertion and not a sentence.
 * Counting allocates nothing. Threading: may be read and counted from any thread.
 */
public final class StepTrace {
  /** These events are counted beside copies. */
  public enum Event {
    GRADIENT,
    /** The optimizer made a step, of one kernel call or two. */
    STEP,
    /** A device began work: a kernel, a product, or a whole graph of them. */
    LAUNCH,
    /** The host waited for a device. */
    SYNCHRONIZATION,
    DEVICE_ALLOCATION
  }

  private final LongAdder copies = new LongAdder();
  private final LongAdder copiedBytes = new LongAdder();
  private final Map<Event, LongAdder> events = new EnumMap<>(Event.class);

  /** Starts all counters at zero. */
  public StepTrace() {
    for (Event event : Event.values()) {
      events.put(event, new LongAdder());
    }
  }

  /** Counts a copy of tensor elements. */
  public void countCopy(long bytes) {
    copies.increment();
    copiedBytes.add(bytes);
  }

  /** Counts what has happened once. */
  public void count(Event event) {
    events.get(event).increment();
  }

  /** Returns the number of copies of tensors so far. */
  public long copies() {
    return copies.sum();
  }

  /** Returns the number of bytes that copies of tensors have moved so far. */
  public long copiedBytes() {
    return copiedBytes.sum();
  }

  /** Returns the number of gradient kernel calls so far. */
  public long gradientCalls() {
    return events.get(Event.GRADIENT).sum();
  }

  /** Returns the number of optimizer steps so far. */
  public long stepCalls() {
    return events.get(Event.STEP).sum();
  }

  /** Returns the number of launches on a device so far; 0 on host backends. */
  public long launches() {
    return events.get(Event.LAUNCH).sum();
  }

  /** Returns the number of waits of the host for a device so far; 0 on host backends. */
  public long synchronizations() {
    return events.get(Event.SYNCHRONIZATION).sum();
  }

  /** Returns the number of allocations of device memory so far; 0 on host backends. */
  public long deviceAllocations() {
    return events.get(Event.DEVICE_ALLOCATION).sum();
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
