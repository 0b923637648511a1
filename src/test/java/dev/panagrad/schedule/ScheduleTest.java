package dev.panagrad.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Scale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rates at the steps that formulas make easy, ends that hold, and ranges that are refused. */
@Tag("first")
class ScheduleTest {
  private static final double BASE = 0.1;
  private static final double CLOSE = 1e-15;

  private static void rate(double expected, Schedule schedule, long step) {
    assertEquals(expected, schedule.rate(step, BASE), CLOSE, "step " + step);
  }

  @Test
  void formulas() {
    rate(0.1, Schedule.constant(), 12345);
    rate(0.1, Schedule.step(500, 0.3), 499);
    rate(0.03, Schedule.step(500, 0.3), 500);
    rate(0.009, Schedule.step(500, 0.3), 1000);
    rate(0.1 * Math.pow(0.9, 7), Schedule.exponential(0.9), 7);
    rate(0.05, Schedule.inverseTime(0.01), 100);
    rate(0.01, Schedule.linear(10, 0.1, 1), 0);
    rate(0.055, Schedule.linear(10, 0.1, 1), 5);
    rate(0.1, Schedule.linear(10, 0.1, 1), 10);
    rate(0.001, Schedule.warmup(100), 0);
    rate(0.1, Schedule.warmup(100), 99);
    rate(0.1, Schedule.cosine(100, 0), 0);
    rate(0.05, Schedule.cosine(100, 0), 50);
    rate(0.055, Schedule.cosine(100, 0.01), 50);
    rate(0.025, Schedule.polynomial(100, 2, 0), 50);
    rate(0.1 / 25, Schedule.oneCycle(100, 0.3, 25, 1e4), 0);
    rate(0.1, Schedule.oneCycle(100, 0.3, 25, 1e4), 29);
    rate(0.1 / 25 / 1e4, Schedule.oneCycle(100, 0.3, 25, 1e4), 99);
  }

  @Test
  void endsHold() {
    for (long step : new long[] {100, 101, 1L << 40, Long.MAX_VALUE}) {
      rate(0.01, Schedule.cosine(100, 0.01), step);
      rate(0.01, Schedule.polynomial(100, 2, 0.01), step);
      rate(0.05, Schedule.linear(100, 1, 0.5), step);
      rate(0.1, Schedule.warmup(100), step);
      rate(0.1 / 25 / 1e4, Schedule.oneCycle(100, 0.3, 25, 1e4), step);
    }
  }

  @Test
  void restartsGoBackToTheBaseRate() {
    Schedule equal = Schedule.cosineRestarts(10, 1, 0);
    Schedule doubling = Schedule.cosineRestarts(10, 2, 0);
    for (long start : new long[] {0, 10, 20, 1000}) {
      rate(0.1, equal, start);
      rate(0.05, equal, start + 5);
    }
    for (long start : new long[] {0, 10, 30, 70, 150}) {
      assertEquals(0.1, doubling.rate(start, BASE), 1e-9, "start " + start);
    }
    rate(0.05, doubling, 20);
  }

  @Test
  void compositionCountsEachPartFromZero() {
    Schedule schedule = Schedule.warmup(100).then(Schedule.cosine(200, 0));
    rate(0.05, schedule, 49);
    rate(0.1, schedule, 100);
    rate(0.05, schedule, 200);
    rate(0, schedule, 300);
    Schedule three =
        Schedule.constant().lasting(10).then(Schedule.constant().lasting(5).then((s, b) -> s));
    rate(0, three, 15);
    rate(7, three, 22);
  }

  @Test
  void rangesAreRefused() {
    List<Runnable> wrong =
        List.of(
            () -> Schedule.step(0, 0.5),
            () -> Schedule.step(10, 0),
            () -> Schedule.exponential(-1),
            () -> Schedule.exponential(Double.NaN),
            () -> Schedule.inverseTime(0),
            () -> Schedule.linear(0, 1, 1),
            () -> Schedule.linear(5, -1, 1),
            () -> Schedule.warmup(0),
            () -> Schedule.cosine(-1, 0),
            () -> Schedule.cosine(1, -1),
            () -> Schedule.cosineRestarts(10, 0.5, 0),
            () -> Schedule.polynomial(10, 0, 0),
            () -> Schedule.oneCycle(10, 1, 25, 1e4),
            () -> Schedule.oneCycle(10, 0.3, 0, 1e4));
    for (Runnable construction : wrong) {
      String message = assertThrows(IllegalArgumentException.class, construction::run).getMessage();
      assertTrue(message.contains("must be") && message.contains("found"), message);
    }
  }

  /** Every schedule gives a finite rate that is not negative, at any step. */
  @Property
  void ratesAreUsable(
      @ForAll @LongRange(min = 0) long step,
      @ForAll @LongRange(min = 1, max = 1L << 40) long length,
      @ForAll @Scale(8) @DoubleRange(min = 1e-8, max = 1e4) double base) {
    for (Schedule schedule :
        List.of(
            Schedule.step(length, 0.5),
            Schedule.exponential(0.999),
            Schedule.inverseTime(0.1),
            Schedule.linear(length, 0.1, 1),
            Schedule.warmup(length),
            Schedule.cosine(length, 0),
            Schedule.cosineRestarts(length, 1, 0),
            Schedule.cosineRestarts(length, 1.7, 0),
            Schedule.polynomial(length, 2, 0),
            Schedule.oneCycle(length, 0.3, 25, 1e4))) {
      double rate = schedule.rate(step, base);
      assertTrue(rate >= 0 && rate <= base * (1 + 1e-12), "rate " + rate);
    }
  }

  /** Chained on either side, as deep as a loop makes them. */
  @Test
  void chainsMayBeDeep() {
    Schedule before = Schedule.constant();
    Schedule after = Schedule.exponential(0.5);
    Schedule.Segment nested = Schedule.warmup(5);
    for (int i = 0; i < 100_000; i++) {
      before = Schedule.warmup(5).then(before);
      after = after.lasting(i + 1L).then(Schedule.constant());
      nested = nested.lasting(5);
    }
    assertEquals(1, before.rate(10_000_000, 1));
    assertEquals(0.2, before.rate(499_995, 1), 1e-15);
    assertEquals(0.5, after.rate(0, 0.5));
    assertEquals(0.5, after.rate(10_000_000, 0.5));
    assertEquals(0.4, nested.rate(1, 1), 1e-15);
    assertTrue(nested.toString().length() < 1000, nested::toString);
  }
}
