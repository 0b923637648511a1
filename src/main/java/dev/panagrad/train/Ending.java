package dev.panagrad.train;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** When a training ends: patience and tolerance of the gradient are 0 for none, time is null. */
record Ending(
    long epochs,
    int patience,
    double lossTolerance,
    double gradientTolerance,
    Duration maximumTime,
    BooleanSupplier stopWhen) {
  /** Why to stop now, from outside; null to go on. Asked before every step. */
  StopReason request() {
    return Thread.currentThread().isInterrupted()
        ? StopReason.INTERRUPT
        : stopWhen.getAsBoolean() ? StopReason.REQUEST : null;
  }
}
