package dev.panagrad.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The text form means what the methods mean; what is wrong in it is quoted. */
class ScheduleTextTest {
  private static final long STEPS_PER_EPOCH = 7;
  private static final double BASE = 0.1;

  private static void same(String text, Schedule expected) {
    Schedule parsed = ScheduleText.parse(text, STEPS_PER_EPOCH);
    for (long step = 0; step < 4000; step += 13) {
      assertEquals(expected.rate(step, BASE), parsed.rate(step, BASE), text + " step " + step);
    }
  }

  @Test
  void everyNameIsItsMethod() {
    same("constant", Schedule.constant());
    same("step:500,0.3", Schedule.step(500, 0.3));
    same("exponential:0.999", Schedule.exponential(0.999));
    same("inverse:0.01", Schedule.inverseTime(0.01));
    same("linear:100,0.1,1", Schedule.linear(100, 0.1, 1));
    same("warmup:100", Schedule.warmup(100));
    same("cosine:3000,1e-5", Schedule.cosine(3000, 1e-5));
    same("cosine:3000", Schedule.cosine(3000, 0));
    same("restarts:1000", Schedule.cosineRestarts(1000, 1, 0));
    same("restarts:1000,2,1e-3", Schedule.cosineRestarts(1000, 2, 1e-3));
    same("polynomial:3000", Schedule.polynomial(3000, 1, 0));
    same("polynomial:3000,2,1e-3", Schedule.polynomial(3000, 2, 1e-3));
    same("onecycle:3000", Schedule.oneCycle(3000, 0.3, 25, 1e4));
  }

  @Test
  void lengthsMayCountEpochs() {
    same("cosine:30e", Schedule.cosine(30 * STEPS_PER_EPOCH, 0));
    same("step:2e,0.5", Schedule.step(2 * STEPS_PER_EPOCH, 0.5));
  }

  @Test
  void partsAreJoined() {
    same("warmup:100+cosine:3000", Schedule.warmup(100).then(Schedule.cosine(3000, 0)));
    same(
        " WarmUp:10 + cosine:30,1e+0 + constant ",
        Schedule.warmup(10).then(Schedule.cosine(30, 1).lasting(30).then(Schedule.constant())));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cosin:30|no schedule 'cosin'",
        "cosine|0 arguments",
        "cosine:1,2,3|3 arguments",
        "cosine:x|'x'",
        "cosine:3.5|'3.5'",
        "cosine:0|at least 1",
        "cosine:-5|at least 1",
        "exponential:NaN|gamma",
        "exponential:abc|'abc'",
        "exponential:0.9+cosine:30|nothing can follow",
        "warmup:10+|''",
        "''|''",
        "cosine:9223372036854775807e|2^63 - 1",
        "cosine:99999999999999999999|not a length",
      })
  void wrongTextIsQuoted(String text, String expected) {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> ScheduleText.parse(text, STEPS_PER_EPOCH))
            .getMessage();
    assertTrue(message.contains(expected) && message.startsWith("schedule '" + text), message);
  }
}
