package dev.panagrad.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every chunk once, failures to the caller, nothing left behind, nothing burnt while idle. */
@Tag("alone")
@Order(1)
class WorkerPoolTest {
  @Test
  void everyChunkRunsOnce() {
    for (int threads : new int[] {1, 2, 3, 8}) {
      try (WorkerPool pool = new WorkerPool(new Lifetime("once"), threads)) {
        for (int chunks : new int[] {0, 1, 2, 3, 7, 64, 1000}) {
          for (int repeat = 0; repeat < 200; repeat++) {
            AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, chunks));
            WorkerPool.ChunkTask task =
                (chunk, worker) -> {
                  runs.incrementAndGet(chunk);
                  assertTrue(worker >= 0 && worker < threads);
                };
            if (repeat % 2 == 0) {
              pool.run(task, chunks);
            } else {
              pool.runBrief(task, chunks);
            }
            for (int chunk = 0; chunk < chunks; chunk++) {
              assertEquals(1, runs.get(chunk));
            }
          }
        }
      }
    }
  }

  @Test
  void millionsOfChunks() {
    AtomicLong sum = new AtomicLong();
    try (WorkerPool pool = new WorkerPool(new Lifetime("many"), 2)) {
      pool.run((chunk, _) -> sum.addAndGet(chunk), 1 << 21);
    }
    assertEquals((1L << 20) * ((1L << 21) - 1), sum.get());
  }

  /** A brief task leaves a parked worker alone; where such tasks follow each other it helps. */
  @Test
  void briefTasks() {
    try (WorkerPool pool = new WorkerPool(new Lifetime("brief"), 2)) {
      Thread worker =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("panagrad-brief-worker-1"))
              .findFirst()
              .orElseThrow();
      for (int task = 0; task < 5; task++) {
        // Parked, and some time after the task before.
        while (worker.getState() != Thread.State.WAITING) {
          Thread.onSpinWait();
        }
        LockSupport.parkNanos(1_000_000);
        pool.runBrief((_, by) -> assertEquals(0, by, "woken"), 4);
      }
      AtomicInteger helped = new AtomicInteger();
      long end = System.nanoTime() + 20_000_000_000L;
      while (helped.get() == 0 && System.nanoTime() < end) {
        pool.runBrief((_, by) -> helped.addAndGet(by), 4);
      }
      assertTrue(helped.get() > 0, "nobody helps");
    }
  }

  /**
   * Short tasks one after another from several callers: the hand-over is where such pools break.
   */
  @Test
  void callersTakeTurns() throws InterruptedException {
    AtomicLong sum = new AtomicLong();
    try (WorkerPool pool = new WorkerPool(new Lifetime("turns"), 4)) {
      Thread[] callers = new Thread[4];
      for (int i = 0; i < callers.length; i++) {
        callers[i] =
            new Thread(
                () -> {
                  for (int task = 0; task < 20_000; task++) {
                    pool.run((chunk, _) -> sum.addAndGet(chunk), 5);
                  }
                });
        callers[i].start();
      }
      for (Thread caller : callers) {
        caller.join();
      }
    }
    assertEquals(4 * 20_000 * 10L, sum.get());
  }

  @Test
  void failureReachesTheCallerAndThePoolLivesOn() {
    try (WorkerPool pool = new WorkerPool(new Lifetime("failing"), 3)) {
      for (int bad = 0; bad < 20; bad++) {
        int position = bad;
        IllegalStateException thrown =
            assertThrows(
                IllegalStateException.class,
                () ->
                    pool.run(
                        (chunk, _) -> {
                          if (chunk == position) {
                            throw new IllegalStateException("chunk " + chunk);
                          }
                        },
                        20));
        assertEquals("chunk " + position, thrown.getMessage());
        AtomicInteger runs = new AtomicInteger();
        pool.run((_, _) -> runs.incrementAndGet(), 20);
        assertEquals(20, runs.get());
      }
      assertThrows(
          StackOverflowError.class,
          () ->
              pool.run(
                  (_, _) -> {
                    throw new StackOverflowError();
                  },
                  4));
    }
  }

  @Test
  void interruptIsKeptForTheCaller() {
    try (WorkerPool pool = new WorkerPool(new Lifetime("interrupted"), 2)) {
      Thread.currentThread().interrupt();
      pool.run((_, _) -> LockSupport.parkNanos(1_000_000), 4);
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void closedPoolRunsOnTheCaller() throws InterruptedException {
    WorkerPool pool = new WorkerPool(new Lifetime("closed"), 4);
    pool.close();
    pool.close();
    Thread caller = Thread.currentThread();
    AtomicInteger elsewhere = new AtomicInteger();
    pool.run(
        (_, _) -> {
          if (Thread.currentThread() != caller) {
            elsewhere.incrementAndGet();
          }
        },
        50);
    assertEquals(0, elsewhere.get());
    assertFalse(
        Thread.getAllStackTraces().keySet().stream()
            .anyMatch(thread -> thread.getName().startsWith("panagrad-closed-worker")));
  }

  /**
   * After their spins, and interrupts by others, workers park: over half a second they use less
   * than a tenth of a core.
   */
  @Test
  void idleWorkersUseNoProcessor() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (WorkerPool pool = new WorkerPool(new Lifetime("idle"), 3)) {
      pool.run((_, _) -> {}, 10);
      Thread.getAllStackTraces().keySet().stream()
          .filter(thread -> thread.getName().startsWith("panagrad-idle-worker"))
          .forEach(Thread::interrupt);
      LockSupport.parkNanos(50_000_000);
      long before = cpuNanos(threads);
      long until = System.nanoTime() + 500_000_000;
      while (System.nanoTime() < until) {
        LockSupport.parkNanos(until - System.nanoTime());
      }
      assertTrue(cpuNanos(threads) - before < 50_000_000);
    }
  }

  private static long cpuNanos(ThreadMXBean threads) {
    long nanos = 0;
    int workers = 0;
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("panagrad-idle-worker")) {
        nanos += threads.getThreadCpuTime(thread.threadId());
        workers++;
      }
    }
    assertEquals(2, workers);
    return nanos;
  }

  @Test
  void refusesTasksWithinTasks() {
    try (WorkerPool pool = new WorkerPool(new Lifetime("nested"), 3)) {
      assertThrows(
          IllegalStateException.class, () -> pool.run((_, _) -> pool.run((_, _) -> {}, 4), 16));
      pool.run((_, _) -> assertThrows(IllegalStateException.class, pool::acquire), 16);
      pool.acquire();
      assertThrows(IllegalStateException.class, pool::acquire);
      pool.run((_, _) -> {}, 4);
      pool.release();
    }
  }

  @Test
  void refusesUseAfterClose() {
    WorkerPool pool = new WorkerPool(new Lifetime("ended"), 2);
    pool.close();
    assertThrows(IllegalStateException.class, pool::acquire);
    assertThrows(IllegalArgumentException.class, () -> new WorkerPool(new Lifetime("none"), 0));
  }
}
