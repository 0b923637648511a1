package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** When a training ends, why, and what its listeners and its history have seen by then. */
class StoppingTest {
  private static final long MANY = 100_000;

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.open(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  /** With a plane in noise. */
  private static void onEveryBackend(BiConsumer<Backend, Dataset> test) {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("stopping")) {
        test.accept(backend, Datasets.plane(arena, DType.F64, 1, 100, 4, 1, 0.5));
      }
    }
  }

  private static Trainer gd() {
    return Trainer.with(Optimizer.of(new GradientDescent(0.1)));
  }

  @Test
  void allEpochs() {
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result = gd().epochs(7).fit(data, backend);
          assertEquals(StopReason.EPOCHS, result.stopReason());
          assertEquals(7, result.epochs());
          assertEquals(7, result.steps());
          assertEquals(0, result.skippedSteps());
        });
  }

  /** 18 noisy rows and 15 features: the loss of the held-out rows soon rises. */
  @Test
  void patienceWatchesTheHeldOutRows() {
    int patience = 3;
    double[][] x = Datasets.normal(1, 30, 15);
    double[][] y = Datasets.normal(2, 30, 1);
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("stopping")) {
        TrainingResult result =
            Trainer.with(Optimizer.of(new GradientDescent(0.02)))
                .epochs(MANY)
                .validation(0.4)
                .patience(patience, 0)
                .fit(Datasets.of(arena, DType.F64, x, y), backend);
        assertEquals(StopReason.PATIENCE, result.stopReason());
        List<EpochRecord> history = result.history();
        int best = 0;
        for (int i = 0; i < history.size(); i++) {
          assertTrue(i == 0 || history.get(i).loss() < history.get(i - 1).loss());
          if (history.get(i).validationLoss() < history.get(best).validationLoss()) {
            best = i;
          }
        }
        assertEquals(history.size() - 1 - patience, best);
        assertEquals(best + 1, result.epoch());
        assertEquals(history.get(best).validationLoss(), result.validationMse(), 0.0);
      }
    }
  }

  @Test
  void patienceWithToleranceWatchesTheTrainingLoss() {
    double tolerance = 1e-4;
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result = gd().epochs(MANY).patience(1, tolerance).fit(data, backend);
          assertEquals(StopReason.PATIENCE, result.stopReason());
          List<EpochRecord> history = result.history();
          for (int i = 1; i < history.size(); i++) {
            double before = history.get(i - 1).loss();
            boolean improved = history.get(i).loss() < before - tolerance * before;
            assertEquals(i < history.size() - 1, improved, "epoch " + (i + 1));
          }
          assertTrue(history.size() > 10);
        });
  }

  /** Each epoch improves a little; measured from the best, not from the epoch before, it counts. */
  @Test
  void smallImprovementsAddUpWithinThePatience() {
    onEveryBackend(
        (backend, data) -> {
          Trainer slow = Trainer.with(Optimizer.of(new GradientDescent(1e-5))).epochs(200);
          List<EpochRecord> free = slow.fit(data, backend).history();
          double first = 1 - free.get(1).loss() / free.get(0).loss();
          TrainingResult patient =
              Trainer.with(Optimizer.of(new GradientDescent(1e-5)))
                  .epochs(200)
                  .patience(5, 3 * first)
                  .fit(data, backend);
          assertEquals(StopReason.EPOCHS, patient.stopReason());
          TrainingResult impatient =
              Trainer.with(Optimizer.of(new GradientDescent(1e-5)))
                  .epochs(200)
                  .patience(2, 3 * first)
                  .fit(data, backend);
          assertEquals(StopReason.PATIENCE, impatient.stopReason());
          assertEquals(3, impatient.epochs());
        });
  }

  @Test
  void gradientTolerance() {
    double tolerance = 1e-6;
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result = gd().epochs(MANY).gradientTolerance(tolerance).fit(data, backend);
          assertEquals(StopReason.GRADIENT, result.stopReason());
          List<EpochRecord> history = result.history();
          for (EpochRecord record : history) {
            assertEquals(record.equals(history.getLast()), record.gradientNorm() <= tolerance);
          }
          assertTrue(history.size() > 10);
        });
  }

  @Test
  void gradientNormIsMeasuredOnlyForItsTolerance() {
    onEveryBackend(
        (backend, data) ->
            assertTrue(
                Double.isNaN(
                    gd().epochs(1).fit(data, backend).history().getFirst().gradientNorm())));
  }

  @Test
  void maximumTime() {
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result =
              gd().epochs(MANY).maximumTime(Duration.ofNanos(1)).fit(data, backend);
          assertEquals(StopReason.TIME, result.stopReason());
          assertEquals(1, result.epochs());
          assertEquals(
              StopReason.EPOCHS,
              gd().epochs(2).maximumTime(Duration.ofDays(1)).fit(data, backend).stopReason());
        });
  }

  @Test
  void listenersSeeEveryEpochOnceInOrder() {
    onEveryBackend(
        (backend, data) -> {
          List<EpochRecord> one = new ArrayList<>();
          List<EpochRecord> two = new ArrayList<>();
          Thread caller = Thread.currentThread();
          TrainingResult result =
              gd().epochs(9)
                  .listener(
                      record -> {
                        assertSame(caller, Thread.currentThread());
                        return one.add(record);
                      })
                  .listener(two::add)
                  .fit(data, backend);
          assertEquals(result.history(), one);
          assertEquals(result.history(), two);
          for (int i = 0; i < 9; i++) {
            assertEquals(i + 1, one.get(i).epoch());
          }
        });
  }

  @Test
  void aListenerStopsTheTraining() {
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result =
              gd().epochs(MANY).listener(record -> record.epoch() < 4).fit(data, backend);
          assertEquals(StopReason.LISTENER, result.stopReason());
          assertEquals(4, result.epochs());
          assertEquals(4, result.history().size());
        });
  }

  @Test
  void whenOneListenerStopsTheOthersStillSeeTheEpoch() {
    onEveryBackend(
        (backend, data) -> {
          List<EpochRecord> log = new ArrayList<>();
          TrainingResult result =
              gd().epochs(MANY)
                  .listener(record -> record.epoch() < 4)
                  .listener(log::add)
                  .fit(data, backend);
          assertEquals(result.history(), log);
        });
  }

  @Test
  void anExceptionOfAListenerEndsTheTraining() {
    onEveryBackend(
        (backend, data) -> {
          IllegalStateException thrown = new IllegalStateException("enough");
          Trainer trainer =
              gd().listener(
                      record -> {
                        throw thrown;
                      });
          assertSame(
              thrown, assertThrows(IllegalStateException.class, () -> trainer.fit(data, backend)));
          assertEquals(1, gd().epochs(1).fit(data, backend).epochs());
        });
  }

  @Test
  void history() {
    onEveryBackend(
        (backend, data) -> {
          TrainingResult result =
              Trainer.with(Optimizer.of(Sgd.of(0.01)).schedule(Schedule.exponential(0.9)))
                  .epochs(5)
                  .batchSize(32)
                  .fit(data, backend);
          List<EpochRecord> history = result.history();
          assertEquals(5, history.size());
          double seconds = 0;
          for (int i = 0; i < 5; i++) {
            EpochRecord record = history.get(i);
            assertEquals(i + 1, record.epoch());
            assertEquals(4L * (i + 1), record.steps());
            assertEquals(0.01 * Math.pow(0.9, 4 * i + 3), record.learningRate(), 1e-16);
            assertTrue(Double.isNaN(record.validationLoss()));
            assertEquals(record.loss(), record.watchedLoss(), 0.0);
            assertTrue(record.seconds() >= seconds);
            seconds = record.seconds();
          }
          assertTrue(history.getLast().loss() < history.getFirst().loss());
          assertTrue(result.seconds() >= seconds);
          assertThrows(UnsupportedOperationException.class, history::clear);
        });
  }
}
