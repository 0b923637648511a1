package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A closed backend has no threads, whatever it computed before and whoever still calls it. */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("widest")
class ClosingTest {
  private static final int THREADS = 8;

  static List<String> backends() {
    // Arenas of tensors share a thread that stays.
    TensorArena.open("first").close();
    return TestBackends.names();
  }

  /** Live threads that were not there before and that are not the VM's own. */
  private static Set<Thread> startedSince(Set<Thread> before) {
    Set<Thread> now = new HashSet<>(Thread.getAllStackTraces().keySet());
    now.removeAll(before);
    now.removeIf(
        thread -> {
          ThreadGroup group = thread.getThreadGroup();
          return group == null || group.getName().equals("system");
        });
    return now;
  }

  private static Set<String> names(Set<Thread> threads) {
    return threads.stream().map(Thread::getName).collect(Collectors.toSet());
  }

  @ParameterizedTest
  @MethodSource("backends")
  void closingEndsTheThreadsThatOpeningAndComputingStarted(String name) {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    for (int round = 0; round < 3; round++) {
      Backend backend = TestBackends.mirrored(name, THREADS);
      for (KernelRuns.KernelRun run : KernelRuns.all()) {
        if (run.name().matches("gradient F32 300 .*|gemm F32 1100 .*|step Adam.*PLAIN F32")) {
          try (TensorArena arena = TensorArena.open(run.name())) {
            run.prepare(arena).run(backend);
          }
        }
      }
      Set<Thread> started = startedSince(before);
      // The caller computes too. The reference and devices have no other thread.
      int least = name.matches("scalar|cuda") ? 0 : THREADS - 1;
      assertTrue(started.size() >= least, () -> name + " started " + names(started));
      assertTrue(started.stream().allMatch(Thread::isDaemon), () -> "daemons: " + names(started));
      backend.close();
      assertEquals(Set.of(), names(startedSince(before)), name);
      backend.close();
      assertEquals(Set.of(), names(startedSince(before)), name);
    }
  }

  /** Who computes when the backend is closed finishes, and is refused at the next call. */
  @ParameterizedTest
  @MethodSource("backends")
  void closingWaitsForTheCallThatRuns(String name) throws InterruptedException {
    KernelRuns.KernelRun gradient =
        KernelRuns.all().stream()
            .filter(run -> run.name().startsWith("gradient " + DType.F32 + " 9001 x 33 -> 3"))
            .findFirst()
            .orElseThrow();
    for (int round = 0; round < 20; round++) {
      Set<Thread> before = Thread.getAllStackTraces().keySet();
      try (TensorArena arena = TensorArena.open("busy")) {
        Backend backend = TestBackends.mirrored(name, 3);
        KernelRuns.Ready ready = gradient.prepare(arena);
        CountDownLatch computing = new CountDownLatch(2);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread caller =
            new Thread(
                () -> {
                  try {
                    while (true) {
                      ready.run(backend);
                      computing.countDown();
                    }
                  } catch (Throwable e) {
                    end.set(e);
                  }
                },
                "caller");
        caller.start();
        computing.await();
        backend.close();
        caller.join();
        IllegalStateException refused =
            assertInstanceOf(IllegalStateException.class, end.get(), name);
        assertEquals(
            "backend '%s' was closed; open another one".formatted(name), refused.getMessage());
        assertEquals(Set.of(), names(startedSince(before)), name);
      }
    }
  }
}
