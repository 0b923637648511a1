package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.StepTrace;
import dev.panagrad.benchmark.ratio.Contender;

/**
 * Work of the backend: calls that the device does one after the other while the host goes on, and
 * after the last of a turn one that waits.
 */
abstract class DeviceWork implements Contender {
  final Device device;
  private CallCounts counts;

  DeviceWork(Device device) {
    this.device = device;
  }

  /** One repetition, queued. */
  abstract void call();

  @Override
  public void repeat(long times) {
    StepTrace trace = device.backend.trace();
    CallCounts before = CallCounts.now(trace);
    for (long i = 0; i < times; i++) {
      call();
    }
    // A short turn may be the first, or that of a check.
    if (counts == null || times >= counts.calls()) {
      counts = CallCounts.now(trace).after(times, before);
    }
    device.await();
  }

  /** Of the longest turn, of several the latest; null before the first. */
  CallCounts counts() {
    return counts;
  }
}
