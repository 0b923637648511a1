package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Logistic;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trainings that are interrupted, start from models, and keep the best of their epochs. */
class LifeOfTrainingTest {
  private static Backend backend;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    backend = Backends.open("simd", new BackendOptions(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private static Trainer adam() {
    return Trainer.with(Optimizer.of(Adam.of(0.05))).batchSize(8).standardizeInPlace();
  }

  private static TrainingResult fit(Trainer trainer, int seed, int rows, int features) {
    try (TensorArena arena = TensorArena.open("data")) {
      double[][] x = Datasets.normal(seed, rows, features);
      double[][] y = Datasets.normal(seed + 1, rows, 1);
      for (int i = 0; i < rows; i++) {
        y[i][0] += 3 * x[i][0] - x[i][features - 1] + 2;
      }
      return trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
    }
  }

  /** The last checkpoint is written, the flag stays set, and what is left gives the same bits. */
  @Test
  void interrupted() {
    List<Supplier<Trainer>> trainers =
        List.of(
            () -> adam().epochs(12),
            () -> Trainer.with(new Lbfgs(), Penalty.l2(0.1)).standardizeInPlace().epochs(12));
    for (int i = 0; i < trainers.size(); i++) {
      Supplier<Trainer> trainer = trainers.get(i);
      Checkpoints checkpoints = Checkpoints.in(folder.resolve("interrupted" + i));
      TrainingListener interrupting =
          record -> {
            if (record.epoch() == 2) {
              Thread.currentThread().interrupt();
            }
            return true;
          };
      TrainingResult part =
          fit(trainer.get().checkpoints(checkpoints).listener(interrupting), 1, 60, 5);
      assertTrue(Thread.interrupted(), "the flag stays set");
      assertEquals(StopReason.INTERRUPT, part.stopReason());
      assertEquals(2, part.epochs());
      assertEquals(null, part.checkpointFailure());
      TrainingResult rest = fit(trainer.get().checkpoints(checkpoints).resume(), 1, 60, 5);
      TrainingResult whole = fit(trainer.get(), 1, 60, 5);
      assertEquals(whole.epochs(), rest.epochs());
      assertArrayEquals(whole.model().coefficients()[0], rest.model().coefficients()[0], 0);
    }
  }

  /** The model of the epoch with the lowest held-out loss, also where it was reached before. */
  @Test
  void bestOfTheEpochs() {
    Supplier<Trainer> overfitting =
        () ->
            Trainer.with(Optimizer.of(new GradientDescent(0.3)))
                .validation(0.5)
                .standardizeInPlace();
    TrainingResult best = fit(overfitting.get().epochs(80), 3, 40, 18);
    long epoch = best.epoch();
    assertTrue(epoch > 1 && epoch < 80, "it has the best before its end: " + epoch);
    TrainingResult there = fit(overfitting.get().epochs(epoch).keepLast(), 3, 40, 18);
    assertArrayEquals(there.model().coefficients()[0], best.model().coefficients()[0], 0);
    assertEquals(there.validationMse(), best.validationMse(), 0);
    TrainingResult last = fit(overfitting.get().epochs(80).keepLast(), 3, 40, 18);
    assertEquals(80, last.epoch());
    assertTrue(last.validationMse() > best.validationMse());
    Checkpoints checkpoints = Checkpoints.in(folder.resolve("best"));
    fit(overfitting.get().epochs(epoch + 3).checkpoints(checkpoints), 3, 40, 18);
    TrainingResult resumed =
        fit(overfitting.get().epochs(80).checkpoints(checkpoints).resume(), 3, 40, 18);
    assertEquals(epoch, resumed.epoch());
    assertArrayEquals(best.model().coefficients()[0], resumed.model().coefficients()[0], 0);
  }

  /** In raw units and standardized, by names in another order. */
  @Test
  void startsFromAModel() {
    LinearModel model = fit(Trainer.automatic(), 5, 50, 4).model();
    for (boolean isStandardized : new boolean[] {false, true}) {
      Trainer trainer =
          Trainer.with(Optimizer.of(new GradientDescent(1e-9))).epochs(1).startFrom(model);
      if (isStandardized) {
        trainer.standardizeInPlace();
      }
      TrainingResult result = fit(trainer, 5, 50, 4);
      assertArrayEquals(model.coefficients()[0], result.model().coefficients()[0], 1e-7);
      assertEquals(model.intercept(0), result.model().intercept(0), 1e-7);
    }
    LinearModel other =
        new LinearModel(
            List.of("x4", "x3", "x2", "x1"),
            model.targets(),
            new double[][] {
              {
                model.coefficient(0, 3),
                model.coefficient(0, 2),
                model.coefficient(0, 1),
                model.coefficient(0, 0)
              }
            },
            model.intercepts());
    TrainingResult result =
        fit(
            Trainer.with(Optimizer.of(new GradientDescent(1e-9))).epochs(1).startFrom(other),
            5,
            50,
            4);
    assertArrayEquals(model.coefficients()[0], result.model().coefficients()[0], 1e-7);
  }

  /** Along a grid of penalties, each from the model before: fewer passes than from nothing. */
  @Test
  void warmStartsAreShorter() {
    long cold = 0;
    long warm = 0;
    LinearModel before = null;
    for (double l2 = 1; l2 > 1e-3; l2 /= 2) {
      Supplier<Trainer> trainer =
          () ->
              Trainer.with(Optimizer.of(new GradientDescent(0.2)))
                  .epochs(5_000)
                  .patience(1, 1e-9)
                  .standardizeInPlace();
      Trainer fromBefore = trainer.get();
      if (before != null) {
        fromBefore.startFrom(before);
      }
      cold += fit(trainer.get(), 7, 80, 6).passes();
      TrainingResult result = fit(fromBefore, 7, 80, 6);
      warm += result.passes();
      before = result.model();
    }
    assertTrue(warm < cold / 2, warm + " and " + cold);
  }

  @Test
  void otherModelsAreRefused() {
    LinearModel model = fit(Trainer.automatic(), 5, 50, 4).model();
    PlanException e =
        assertThrows(PlanException.class, () -> fit(adam().startFrom(model), 5, 50, 3));
    assertEquals(Option.START, e.option());
    assertThrows(
        PlanException.class, () -> fit(adam().startFrom(model.withLoss(new Logistic())), 5, 50, 4));
    Trainer origin = adam().withoutIntercept().startFrom(model);
    assertEquals(
        Option.NO_INTERCEPT,
        assertThrows(PlanException.class, () -> fit(origin, 5, 50, 4)).option());
    assertFalse(Thread.currentThread().isInterrupted());
  }

  /** One description, and two threads that fit with it: the same bits as one after the other. */
  @Test
  void oneTrainerForTwoThreads() throws InterruptedException {
    Trainer shared = adam().epochs(20);
    double[] expected = fit(shared, 9, 60, 5).model().coefficients()[0];
    double[][] found = new double[2][];
    List<Thread> threads =
        List.of(
            Thread.ofPlatform()
                .start(() -> found[0] = fit(shared, 9, 60, 5).model().coefficients()[0]),
            Thread.ofPlatform()
                .start(() -> found[1] = fit(shared, 9, 60, 5).model().coefficients()[0]));
    for (Thread thread : threads) {
      thread.join();
    }
    assertArrayEquals(expected, found[0], 0);
    assertArrayEquals(expected, found[1], 0);
  }
}
