package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.loss.Losses;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.train.online.WarmUp;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link OnlineRegression#warmUp} computes what updates compute, and changes nothing. */
class WarmUpTest {
  private static final List<String> FEATURES = List.of("a", "b", "c");
  private static final List<String> TARGETS = List.of("y");

  @ParameterizedTest
  @ValueSource(strings = {"squared", "logistic", "poisson", "huber:1.5", "quantile:0.9"})
  void changesNothing(String loss) {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        OnlineRegression warm = open(backend, loss);
        OnlineRegression cold = open(backend, loss)) {
      double[] row = {1, -0.5, 0.25};
      double[] target = {1};
      warm.update(row, target);
      cold.update(row, target);
      warm.warmUp(Duration.ofMillis(30));
      assertEquals(cold.update(row, target), warm.update(row, target));
      LinearModel model = cold.model();
      assertEquals(model, warm.model());
      assertEquals(2, warm.optimizer().steps());
      assertEquals(0, warm.refused());
    }
  }

  private static OnlineRegression open(Backend backend, String loss) {
    return OnlineRegression.with(Optimizer.of(Adam.of(0.01)))
        .loss(Losses.parse(loss))
        .open(backend, FEATURES, TARGETS);
  }

  /** A rate at which every model diverges does not end it. */
  @Test
  void anyRate() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        OnlineRegression online =
            OnlineRegression.with(Optimizer.of(Sgd.of(1e6))).open(backend, FEATURES, TARGETS)) {
      online.warmUp(Duration.ofMillis(30));
      assertEquals(0, online.optimizer().steps());
    }
  }

  @Test
  void endsOnceUpdatesGetNoFaster() {
    long[] calls = {0};
    WarmUp warmUp = new WarmUp(Standardization.none(3, 1), 1);
    warmUp.run(
        Duration.ofMinutes(5),
        (row, target) -> {
          assertEquals(3, row.length);
          assertEquals(1, target[0]);
          calls[0]++;
        });
    assertTrue(calls[0] >= 20_000 && calls[0] % 1_000 == 0, calls[0] + " calls");
  }

  @Test
  void endsInTime() {
    long start = System.nanoTime();
    WarmUp warmUp = new WarmUp(Standardization.none(3, 1), 1);
    warmUp.run(
        Duration.ofMillis(20),
        (_, _) -> {
          try {
            Thread.sleep(1);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    assertTrue(System.nanoTime() - start < 15_000_000_000L);
  }
}
