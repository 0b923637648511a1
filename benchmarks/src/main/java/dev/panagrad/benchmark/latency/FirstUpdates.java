package dev.panagrad.benchmark.latency;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.benchmark.launch.VectorJava;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Sgd;
import dev.panagrad.train.OnlineRegression;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * The first 1,000 updates by one row each of a new process, which compiles while they run; with and
 * without {@link OnlineRegression#warmUp} before them.
 */
public final class FirstUpdates {
  private static final int UPDATES = 1000;
  private static final Duration MOST_WARM_UP = Duration.ofSeconds(10);

  private FirstUpdates() {}

  /** One process for each line; returns the exit status of the first that fails. */
  static int run() throws IOException {
    System.out.printf(
        "first %,d updates, us%n%-10s%10s%10s%10s%10s%10s%10s%n",
        UPDATES, "backend", "features", "warmed up", "in s", "the first", "p50", "p99");
    for (String backend : List.of("scalar", "simd")) {
      for (String features : List.of("10", "1000")) {
        for (String isWarm : List.of("false", "true")) {
          List<String> args = List.of(backend, features, isWarm);
          int status =
              VectorJava.start(VectorJava.child(FirstUpdates.class, List.of(), args).inheritIO())
                  .onExit()
                  .join()
                  .exitValue();
          if (status != 0) {
            return status;
          }
        }
      }
    }
    return 0;
  }

  /** A line of the table: backend, features, and whether it warms up. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    int d = Integer.parseInt(args[1]);
    boolean isWarm = Boolean.parseBoolean(args[2]);
    List<String> features = IntStream.range(0, d).mapToObj(f -> "x" + f).toList();
    try (Backend backend = Backends.open(args[0], BackendOptions.defaults());
        OnlineRegression online =
            OnlineRegression.with(Optimizer.of(Sgd.of(1e-3)))
                .open(backend, features, List.of("y"))) {
      long start = System.nanoTime();
      if (isWarm) {
        online.warmUp(MOST_WARM_UP);
      }
      double warmUp = (System.nanoTime() - start) / 1e9;
      double[] times = times(online, d);
      double first = times[0];
      Arrays.sort(times);
      System.out.printf(
          "%-10s%10d%10s%10.2f%10.1f%10.2f%10.2f%n",
          args[0], d, isWarm, warmUp, first, times[UPDATES / 2], times[UPDATES * 99 / 100]);
    }
  }

  /** Microseconds. */
  private static double[] times(OnlineRegression online, int d) {
    SplittableRandom random = new SplittableRandom(7);
    double[] x = new double[d];
    double[] y = new double[1];
    double[] times = new double[UPDATES];
    for (int i = 0; i < UPDATES; i++) {
      Arrays.setAll(x, _ -> random.nextGaussian());
      y[0] = Arrays.stream(x).sum();
      long start = System.nanoTime();
      online.update(x, y);
      times[i] = (System.nanoTime() - start) / 1e3;
    }
    return times;
  }
}
