package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What does not belong into a stream is left out, and what does is learned. */
class OnlineGuardTest {
  private static final boolean IS_SLOW = Boolean.getBoolean("panagrad.test.slow");
  private static final int FEATURES = 10;
  private static final double NOISE = 0.3;

  private static final List<String> NAMES =
      IntStream.range(0, FEATURES).mapToObj(f -> "x" + f).toList();

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.open("scalar", BackendOptions.defaults());
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** The model after so many rows, and of the good ones none was refused. */
  private static LinearModel learned(UpdateRule rule, double share, int rows, long seed) {
    GarbageStream stream = new GarbageStream(FEATURES, NOISE, share, seed);
    int garbage = 0;
    try (OnlineRegression online =
        OnlineRegression.with(Optimizer.of(rule)).open(backend, NAMES, List.of("y"))) {
      for (int i = 0; i < rows; i++) {
        stream.next();
        garbage += stream.isGarbage ? 1 : 0;
        try {
          online.update(stream.row, stream.target);
        } catch (DivergenceException e) {
          assertTrue(stream.isGarbage || i < 10, () -> "a good row: " + e.getMessage());
        }
      }
      assertTrue(online.refused() >= 0.98 * garbage, online.refused() + " of " + garbage);
      return online.model();
    }
  }

  private static double loss(LinearModel model, long seed) {
    GarbageStream stream = new GarbageStream(FEATURES, NOISE, 0, seed);
    double sum = 0;
    int rows = 20_000;
    for (int i = 0; i < rows; i++) {
      stream.next();
      double error = model.predict(stream.row, 0) - stream.target[0];
      sum += error * error;
    }
    return sum / rows;
  }

  @Test
  void garbageHardlyMatters() {
    int rows = IS_SLOW ? 1_000_000 : 30_000;
    for (UpdateRule rule : List.of(Sgd.of(1e-3), Adam.of(1e-3), Sgd.of(1e-3).withMomentum(0.5))) {
      for (long seed = 1; seed <= 3; seed++) {
        double clean = loss(learned(rule, 0, rows, seed), seed);
        double dirty = loss(learned(rule, 0.01, rows, seed), seed);
        assertEquals(clean, dirty, 0.01 * clean, rule + ", seed " + seed);
      }
    }
  }

  /** A row that is far outside is bad as the first one too, when nothing is known to say so. */
  @Test
  void aBadStartIsSeenSoon() {
    for (double factor : new double[] {1e3, 1e6, 1e9, 1e12}) {
      for (UpdateRule rule : List.of(Sgd.of(1e-3), Sgd.of(0.03), Adam.of(1e-3))) {
        for (int at = 0; at < 4; at++) {
          GarbageStream stream = new GarbageStream(FEATURES, NOISE, 0, 9);
          try (OnlineRegression online =
              OnlineRegression.with(Optimizer.of(rule)).open(backend, NAMES, List.of("y"))) {
            for (int i = 0; i < 8_000; i++) {
              stream.next();
              if (i == at) {
                for (int f = 0; f < FEATURES; f++) {
                  stream.row[f] *= factor;
                }
              }
              try {
                online.update(stream.row, stream.target);
              } catch (DivergenceException e) {
                assertTrue(i < 8, () -> e.getMessage());
              }
            }
            String what = rule + " " + factor + " at " + at;
            assertEquals(0.09, loss(online.model(), 9), 0.06, what);
          }
        }
      }
    }
  }

  private static OnlineRegression line(OnlineRegression.Builder builder) {
    return builder.open(backend, List.of("a"), List.of("y"));
  }

  /** From a moment on rows have another unit: it is said, and learned. */
  @Test
  void aStreamMayChange() {
    Random random = new Random(1);
    try (OnlineRegression online = line(OnlineRegression.with(Optimizer.of(Sgd.of(0.05))))) {
      int refused = 0;
      int changes = 0;
      for (int i = 0; i < 4000; i++) {
        double a = random.nextGaussian();
        double scale = i < 1000 ? 1 : 1e4;
        try {
          online.update(new double[] {a}, new double[] {scale * (2 * a + 1)});
        } catch (RefusedRowException e) {
          refused++;
          changes += e.isOtherStream() ? 1 : 0;
          assertEquals(e.isOtherStream(), e.getMessage().contains("the stream has changed"));
        }
      }
      assertEquals(100, refused);
      assertEquals(1, changes);
      assertEquals(2e4, online.model().coefficient(0, 0), 1);
      assertEquals(0, online.returns());
    }
  }

  @Test
  void outliersAreSurvived() {
    for (double big : new double[] {1e3, 1e6, 1e9, 1e30, Double.NaN}) {
      Random random = new Random(1);
      try (OnlineRegression online = line(OnlineRegression.with(Optimizer.of(Sgd.of(0.05))))) {
        for (int i = 0; i < 2001; i++) {
          double a = random.nextDouble();
          if (i == 1000) {
            double before = online.model().predict(new double[] {0.5}, 0);
            assertThrows(
                RefusedRowException.class,
                () -> online.update(new double[] {big}, new double[] {2}));
            assertEquals(before, online.model().predict(new double[] {0.5}, 0), 0.0);
          } else {
            online.update(new double[] {a}, new double[] {2 * a + 1});
          }
        }
        assertEquals(2, online.model().predict(new double[] {0.5}, 0), 1e-3);
      }
    }
  }

  /**
   * A rate that no stream survives: the model is never garbage, and the exception's type says why.
   */
  @Test
  void hopelessParametersAreNotHandedOut() {
    for (boolean isReturning : new boolean[] {true, false}) {
      OnlineRegression.Builder builder = OnlineRegression.with(Optimizer.of(Sgd.of(1)));
      if (!isReturning) {
        builder.withoutReturn();
      }
      Random random = new Random(2);
      try (OnlineRegression online = line(builder)) {
        int diverged = 0;
        int withheld = 0;
        double largest = 0;
        for (int i = 0; i < 3000; i++) {
          double a = 3 * random.nextGaussian();
          try {
            online.update(new double[] {a}, new double[] {2 * a + 1});
          } catch (DivergedModelException e) {
            diverged++;
            assertEquals(isReturning, e.isRestored());
            assertTrue(e.getMessage().contains("learning rate"), e::getMessage);
          } catch (RefusedRowException e) {
            assertTrue(e.step() > 1, e::getMessage);
          }
          try {
            largest = Math.max(largest, Math.abs(online.model().coefficient(0, 0)));
          } catch (DivergedModelException e) {
            withheld++;
          }
        }
        assertTrue(diverged > 5, "diverged " + diverged);
        assertTrue(withheld > 5, "withheld " + withheld);
        // A step is 2 a r, with r^2 up to 16 * 100 times a usual y^2 = 37, and a up to 10: 5e3, or
        // more where the first loss was larger.
        assertTrue(largest < 2e4, "published " + largest);
        if (!isReturning) {
          DivergedModelException e = assertThrows(DivergedModelException.class, online::model);
          assertTrue(e.getMessage().contains("rollBack()"), e::getMessage);
          online.rollBack();
          assertEquals(0, online.model().coefficient(0, 0), 0.0);
        }
        assertEquals(isReturning, online.returns() > 0);
      }
    }
  }

  /** One event in a thousand has a gradient a million times as large as the rest. */
  @Test
  void rareEventsAreLearned() {
    for (Loss loss : List.of(new Logistic(), new Poisson())) {
      Random random = new Random(4);
      try (OnlineRegression online =
          line(OnlineRegression.with(Optimizer.of(Sgd.of(0.1))).loss(loss))) {
        for (int i = 0; i < 50_000; i++) {
          online.update(
              new double[] {random.nextGaussian()},
              new double[] {random.nextInt(1000) == 0 ? 1 : 0});
        }
        assertEquals(0, online.refused());
        // The last event may lift it by up to e^0.1 more.
        assertEquals(1e-3, loss.mean(online.model().intercept(0)), 1e-3);
      }
    }
  }
}
