package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.RowOrder;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Losses beyond use end a training with a message, and only those. */
class DivergenceTest {
  private static final Pattern MESSAGE =
      Pattern.compile(
          "training diverged: at step (\\d+) \\(epoch (\\d+)\\) the loss is (\\S+), after (\\S+) at the first step, "
              + "with learning rate (\\S+); try a learning rate of (\\S+), or standardize the features");

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.open(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static void onEveryBackend(BiConsumer<Backend, TensorArena> test) {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("divergence")) {
        test.accept(backend, arena);
      }
    }
  }

  private static Trainer gd(double rate) {
    return Trainer.with(Optimizer.of(new GradientDescent(rate)));
  }

  private static Dataset plane(TensorArena arena, DType dtype) {
    return Datasets.plane(arena, dtype, 1, 20, 3, 1, 0.5);
  }

  @Test
  void messageNamesStepLossAndLearningRate() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      onEveryBackend(
          (backend, arena) -> {
            Dataset data = plane(arena, dtype);
            DivergenceException e =
                assertThrows(
                    DivergenceException.class, () -> gd(1000).epochs(1000).fit(data, backend));
            Matcher m = MESSAGE.matcher(e.getMessage());
            assertTrue(m.matches(), e.getMessage());
            assertEquals(e.step(), Long.parseLong(m.group(1)));
            assertEquals(m.group(1), m.group(2));
            double first = gd(1e-9).epochs(1).fit(data, backend).history().getFirst().loss();
            assertEquals("%.4g".formatted(first), m.group(4));
            assertTrue(Double.parseDouble(m.group(3)) > 1e19 * first, e.getMessage());
            assertEquals(1000, Double.parseDouble(m.group(5)), 0.0);
            assertEquals(100, Double.parseDouble(m.group(6)), 0.0);
          });
    }
  }

  /** Losses that grow no faster than predictions stay finite for long. */
  @Test
  void otherLosses() {
    for (Backend backend : backends) {
      if (!backend.linear().supportsWeights()) {
        continue;
      }
      try (TensorArena arena = TensorArena.open("other losses")) {
        Dataset data = plane(arena, DType.F64);
        for (long i = 0; i < data.rows(); i++) {
          data.y().set(i, (int) (i % 2));
        }
        Tensor offset = arena.allocate("offset", DType.F64, data.rows()).fill(0.5);
        for (Loss loss : List.of(new Logistic(), new Huber(0.1), new Quantile(0.3))) {
          DivergenceException e =
              assertThrows(
                  DivergenceException.class,
                  () -> gd(1e30).epochs(5).loss(loss).fit(data, backend),
                  loss.name());
          assertTrue(e.getMessage().contains("try a learning rate of 1.0e+29"), e.getMessage());
          gd(1e9).epochs(5).loss(loss).offset(offset).fit(data, backend);
        }
      }
    }
  }

  /** The first rows after a step overflow, where those before it did not. */
  @Test
  void heldOutRowsNameTheRateToo() {
    for (Backend backend : backends) {
      if (!backend.linear().supportsWeights()) {
        continue;
      }
      try (TensorArena arena = TensorArena.open("held out")) {
        Dataset data = plane(arena, DType.F64);
        for (long i = 0; i < data.rows(); i++) {
          data.y().set(i, 100);
        }
        DivergenceException e =
            assertThrows(
                DivergenceException.class,
                () -> gd(100).epochs(5).loss(new Poisson()).validation(0.3).fit(data, backend));
        assertTrue(e.getMessage().contains("held-out rows is Infinity"), e.getMessage());
        assertTrue(e.getMessage().contains("try a learning rate of 10"), e.getMessage());
      }
    }
  }

  /** A rate that jumps: what 20 epochs had reached is not lost. */
  @Test
  void theBestBefore() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = plane(arena, DType.F64);
          Trainer jumping =
              Trainer.with(
                      Optimizer.of(new GradientDescent(0.1))
                          .schedule((step, rate) -> step < 20 ? rate : 1e6 * rate))
                  .epochs(60);
          DivergenceException e =
              assertThrows(DivergenceException.class, () -> jumping.fit(data, backend));
          TrainingResult twenty = gd(0.1).epochs(20).fit(data, backend);
          assertArrayEquals(
              twenty.model().coefficients()[0], e.best().orElseThrow().coefficients()[0]);
          String best = String.format(Locale.ROOT, "%.6g, after epoch 20", twenty.loss());
          assertTrue(e.getMessage().endsWith("the best loss before was " + best), e.getMessage());
          DivergenceException atOnce =
              assertThrows(DivergenceException.class, () -> gd(1000).epochs(60).fit(data, backend));
          assertTrue(atOnce.best().isEmpty(), atOnce.getMessage());
        });
  }

  /** Figures that a person copies to a command line have a point, whatever the locale. */
  @Test
  void messageIsTheSameInEveryLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      onEveryBackend(
          (backend, arena) -> {
            Dataset data = plane(arena, DType.F64);
            DivergenceException e =
                assertThrows(
                    DivergenceException.class, () -> gd(2.5).epochs(1000).fit(data, backend));
            Matcher m = MESSAGE.matcher(e.getMessage());
            assertTrue(m.matches(), e.getMessage());
            assertEquals("2.500", m.group(5), e.getMessage());
          });
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void theLastStepCounts() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      onEveryBackend(
          (backend, arena) -> {
            Dataset data = plane(arena, dtype);
            assertThrows(DivergenceException.class, () -> gd(1e300).epochs(1).fit(data, backend));
          });
    }
  }

  @Test
  void notANumberInTheFirstBatch() {
    onEveryBackend(
        (backend, arena) -> {
          for (boolean inTarget : new boolean[] {false, true}) {
            Dataset data = plane(arena, DType.F32);
            (inTarget ? data.y() : data.x()).set(0, 0, Double.NaN);
            DivergenceException e =
                assertThrows(DivergenceException.class, () -> gd(0.1).fit(data, backend));
            assertEquals(1, e.step());
            assertEquals(
                "the loss of the first batch is NaN before any step: the data has values that are not finite or too "
                    + "large for F32",
                e.getMessage());
          }
        });
  }

  @Test
  void notANumberInALaterBatch() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = plane(arena, DType.F64);
          data.y().set(17, 0, Double.POSITIVE_INFINITY);
          DivergenceException e =
              assertThrows(
                  DivergenceException.class,
                  () ->
                      Trainer.with(Optimizer.of(Sgd.of(0.01)))
                          .batchSize(4)
                          .inOrder()
                          .fit(data, backend));
          assertEquals(5, e.step());
          assertTrue(e.getMessage().contains("at step 5 (epoch 1)"), e.getMessage());
        });
  }

  @Test
  void notANumberStandardized() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = plane(arena, DType.F64);
          data.x().set(3, 1, Double.NaN);
          DivergenceException e =
              assertThrows(
                  DivergenceException.class, () -> gd(0.1).standardizeInPlace().fit(data, backend));
          assertEquals(1, e.step());
        });
  }

  @Test
  void notANumberInAHeldOutRow() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = plane(arena, DType.F64);
          long row = RowOrder.of(arena, 20, 4, 0).index().getLong(19);
          data.y().set(row, 0, Double.NaN);
          assertThrows(DivergenceException.class, () -> gd(0.1).validation(0.2).fit(data, backend));
        });
  }

  /** Counts often begin with zeros, which the zero model predicts exactly. */
  @Test
  void aFirstBatchThatFitsExactlyIsNoMeasure() {
    double[][] x = Datasets.normal(1, 12, 2);
    double[][] y = new double[12][1];
    for (int i = 4; i < 12; i++) {
      y[i][0] = 1 + x[i][0];
    }
    onEveryBackend(
        (backend, arena) -> {
          TrainingResult result =
              Trainer.with(Optimizer.of(Sgd.of(0.01)))
                  .batchSize(4)
                  .inOrder()
                  .fit(Datasets.of(arena, DType.F64, x, y), backend);
          assertEquals(300, result.steps());
        });
  }

  /** Without a step so far there is nothing that could have diverged. */
  @Test
  void aFirstBatchThatFitsNearlyIsNoMeasure() {
    double[][] x = {{1}, {2}, {3}, {4}};
    double[][] y = {{1e-12}, {2}, {3}, {4}};
    onEveryBackend(
        (backend, arena) -> {
          TrainingResult result =
              Trainer.with(Optimizer.of(Sgd.of(0.01)))
                  .batchSize(1)
                  .inOrder()
                  .fit(Datasets.of(arena, DType.F64, x, y), backend);
          assertEquals(400, result.steps());
          assertTrue(result.mse() < 1, () -> "mse " + result.mse());
        });
  }
}
