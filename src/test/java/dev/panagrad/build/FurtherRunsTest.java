package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The last tests: does the runs that have not begun, and tells how each ended. */
@Order(Integer.MAX_VALUE)
class FurtherRunsTest {
  @BeforeAll
  static void finish() {
    FurtherRuns.work();
  }

  static Iterable<String> runs() {
    return FurtherRuns.names();
  }

  @ParameterizedTest
  @MethodSource
  void runs(String name) throws InterruptedException, ExecutionException {
    TestRun.Outcome outcome = FurtherRuns.outcome(name);
    System.out.println(outcome.summary());
    assertEquals("", outcome.failure(), name);
  }
}
