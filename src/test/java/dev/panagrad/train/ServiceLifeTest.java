package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.rule.Sgd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests, reloads and a stream with garbage at the same time, for a while. */
class ServiceLifeTest {
  private static final long SECONDS = Boolean.getBoolean("panagrad.test.slow") ? 20 : 1;
  private static final int FEATURES = 5;
  private static final double NOISE = 0.1;
  private static final int READERS = 2;

  private long end;

  private boolean isTime() {
    return System.nanoTime() < end;
  }

  /** Answers for a row of ones are near that of a model that has learned, from the first one on. */
  private long request(ServedModel served, double expected) {
    double[] row = new double[FEATURES];
    Arrays.fill(row, 1);
    long requests = 0;
    while (isTime()) {
      assertEquals(expected, served.predict(row, 0), 0.5);
      requests++;
    }
    return requests;
  }

  private long reload(ServedModel served, Path file) throws Exception {
    long reloads = 0;
    while (isTime()) {
      ModelFile.save(served.current(), file);
      served.reload(file);
      reloads++;
      Thread.sleep(20);
    }
    return reloads;
  }

  /** Learns in rounds, of which each ends with the model being served. */
  private static long learn(OnlineRegression online, GarbageStream stream, ServedModel served) {
    for (int i = 0; i < 1000; i++) {
      stream.next();
      try {
        online.update(stream.row, stream.target);
      } catch (RefusedRowException e) {
        assertTrue(stream.isGarbage, e::getMessage);
      }
    }
    if (served != null) {
      served.swap(online.model());
    }
    return 1;
  }

  @Test
  void nothingGoesWrong(@TempDir Path folder) throws Exception {
    List<String> names = IntStream.range(0, FEATURES).mapToObj(f -> "x" + f).toList();
    GarbageStream stream = new GarbageStream(FEATURES, NOISE, 0.01, 11);
    try (Backend backend = Backends.open("scalar", BackendOptions.defaults());
        OnlineRegression online =
            OnlineRegression.with(Optimizer.of(Sgd.of(5e-3))).open(backend, names, List.of("y"));
        ExecutorService threads = Executors.newCachedThreadPool()) {
      learn(online, stream, null);
      learn(online, stream, null);
      LinearModel first = online.model();
      double expected = first.intercept(0) + Arrays.stream(first.coefficients()[0]).sum();
      List<Future<Long>> results = new ArrayList<>();
      ServedModel served = new ServedModel(first);
      end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      Callable<Long> learner =
          () -> {
            long rounds = 0;
            while (isTime()) {
              rounds += learn(online, stream, served);
            }
            return rounds;
          };
      results.add(threads.submit(learner));
      results.add(threads.submit(() -> reload(served, folder.resolve("m.safetensors"))));
      for (int r = 0; r < READERS; r++) {
        results.add(threads.submit(() -> request(served, expected)));
      }
      for (Future<Long> result : results) {
        assertTrue(result.get() > 0, "a thread stood still");
      }
      ServedModel.Status status = served.status();
      assertEquals(results.get(1).get(), status.reloads());
      assertEquals(0, status.failedReloads());
      assertEquals(1 + results.get(0).get() + results.get(1).get(), status.version());
      assertTrue(online.refused() > 0, "no garbage came");
      assertEquals(0, online.returns());
    }
  }
}
