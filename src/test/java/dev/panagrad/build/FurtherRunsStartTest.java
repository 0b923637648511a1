package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** The first test: {@link FurtherRuns} go on beside the others, until {@link FurtherRunsTest}. */
@Order(0)
class FurtherRunsStartTest {
  @Test
  void start() {
    FurtherRuns.start();
    assertTrue(FurtherRuns.names().iterator().hasNext(), "there are runs");
  }
}
