package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.StepTrace;
import java.util.Locale;

/**
 * What some calls have done, by the backend's own counters; the wait that ends a turn is not among
 * them.
 *
 * @param calls calls of the work
 * @param allocations allocations of device memory
 * @param waits waits of the host for the device
 * @param launches starts of a kernel, a product or a graph
 */
record CallCounts(long calls, long allocations, long waits, long launches) {
  static CallCounts now(StepTrace trace) {
    return new CallCounts(0, trace.deviceAllocations(), trace.synchronizations(), trace.launches());
  }

  CallCounts after(long times, CallCounts before) {
    return new CallCounts(
        times, allocations - before.allocations, waits - before.waits, launches - before.launches);
  }

  /** Per call. */
  @Override
  public String toString() {
    return "%s, %s, %s".formatted(perCall(allocations), perCall(waits), perCall(launches));
  }

  private String perCall(long count) {
    return String.format(Locale.ROOT, count % calls == 0 ? "%.0f" : "%.4f", (double) count / calls);
  }
}
