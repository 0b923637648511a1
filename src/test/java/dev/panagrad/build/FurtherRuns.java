package dev.panagrad.build;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Does the runs of {@link TestRun} one after the other, beside other tests: of two processors the
 * other tests have one, and three at a time are no faster than two.
 */
final class FurtherRuns {
  private static final Map<String, FutureTask<TestRun.Outcome>> RUNS = new LinkedHashMap<>();

  static {
    for (TestRun run : TestRun.asked()) {
      RUNS.put(run.name(), new FutureTask<>(run::outcome));
    }
  }

  private static final Queue<FutureTask<TestRun.Outcome>> WAITING =
      new ConcurrentLinkedQueue<>(RUNS.values());

  private FurtherRuns() {}

  static Iterable<String> names() {
    return RUNS.keySet();
  }

  /** Begins, on a thread of its own. */
  static void start() {
    Thread.ofPlatform().daemon().name("further runs").start(FurtherRuns::work);
  }

  /** Does those that have not begun. */
  static void work() {
    for (FutureTask<TestRun.Outcome> run = WAITING.poll(); run != null; run = WAITING.poll()) {
      run.run();
    }
  }

  /** Waits for the end of one. */
  static TestRun.Outcome outcome(String name) throws InterruptedException, ExecutionException {
    return RUNS.get(name).get();
  }
}
