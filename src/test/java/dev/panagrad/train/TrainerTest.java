package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.RowOrder;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a training computes: its batches, its model in raw units, and its figures. */
class TrainerTest {
  /** A refusal comes before the first value is standardized. */
  @Test
  void refusalsLeaveTheDataAlone() {
    Backend backend = Backends.open("scalar", new BackendOptions(1));
    try (TensorArena arena = TensorArena.open("untouched");
        Arena own = Arena.ofShared()) {
      Tensor x = arena.allocate("x", DType.F64, 3, 1).copyFrom(1, 2, 4);
      Tensor locked = Tensor.wrap("locked", own.allocate(24, 8).asReadOnly(), DType.F64, 3);
      Trainer trainer = Trainer.with(Optimizer.of(new GradientDescent(0.1))).standardizeInPlace();
      assertThrows(
          IllegalArgumentException.class, () -> trainer.fit(Dataset.of(x, locked), backend));
      assertThrows(IllegalArgumentException.class, () -> trainer.fit(Dataset.of(x, x), backend));
      backend.close();
      Tensor y = arena.allocate("y", DType.F64, 3).copyFrom(1, 2, 4);
      assertThrows(IllegalStateException.class, () -> trainer.fit(Dataset.of(x, y), backend));
      assertArrayEquals(new double[] {1, 2, 4}, x.toArray());
    }
  }

  /** Targets may be a column of the same table as the features. */
  @Test
  void oneTableHoldsFeaturesAndTargets() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("table")) {
      Tensor table = arena.allocate("table", DType.F64, 50, 3);
      for (int i = 0; i < 50; i++) {
        table.set(i, 0, i % 7);
        table.set(i, 1, i % 5);
        table.set(i, 2, 3.0 * (i % 7) - 2.0 * (i % 5) + 1);
      }
      TrainingResult result =
          Trainer.with(Optimizer.of(new GradientDescent(0.3)))
              .standardizeInPlace()
              .epochs(300)
              .maximumTime(Duration.ofSeconds(Long.MAX_VALUE))
              .fit(Dataset.of(table.columns(0, 2), table.columns(2, 1)), backend);
      assertEquals(3, result.model().coefficient(0, 0), 1e-9);
      assertEquals(-2, result.model().coefficient(0, 1), 1e-9);
    }
  }

  private static final int ROWS = 10;
  private static final int BATCH = 4;
  private static final int EPOCHS = 3;
  private static final double RATE = 0.05;

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
      try (TensorArena arena = TensorArena.open("trainer")) {
        test.accept(backend, arena);
      }
    }
  }

  private static Trainer sgd(double rate) {
    return Trainer.with(Optimizer.of(Sgd.of(rate)));
  }

  private static double[] squares(LinearModel model, double[][] x, double[][] y, int output) {
    double[] squares = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double residual = model.predict(x[i], output) - y[i][output];
      squares[i] = residual * residual;
    }
    return squares;
  }

  /** Mini-batch SGD as a textbook has it: rows in the given order of each epoch. */
  private static final class ByHand {
    final double[] w;
    double b;
    final double[] epochLoss = new double[EPOCHS];

    ByHand(double[][] x, double[][] y, long[][] orders, int batch) {
      int d = x[0].length;
      int rows = orders[0].length;
      w = new double[d];
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (int first = 0; first < rows; first += batch) {
          int count = Math.min(batch, rows - first);
          double[] gw = new double[d];
          double gb = 0;
          for (int i = first; i < first + count; i++) {
            int row = Math.toIntExact(orders[epoch][i]);
            double r = b - y[row][0];
            for (int f = 0; f < d; f++) {
              r += w[f] * x[row][f];
            }
            epochLoss[epoch] += r * r / rows;
            for (int f = 0; f < d; f++) {
              gw[f] += 2 * r * x[row][f] / count;
            }
            gb += 2 * r / count;
          }
          for (int f = 0; f < d; f++) {
            w[f] -= RATE * gw[f];
          }
          b -= RATE * gb;
        }
      }
    }
  }

  private static void agrees(ByHand expected, TrainingResult found, String what) {
    for (int f = 0; f < expected.w.length; f++) {
      assertEquals(expected.w[f], found.model().coefficient(0, f), 1e-13, what);
    }
    assertEquals(expected.b, found.model().intercept(0), 1e-13, what);
    assertEquals(EPOCHS, found.history().size());
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      double loss = expected.epochLoss[epoch];
      assertEquals(loss, found.history().get(epoch).loss(), 1e-13 * loss, what);
    }
  }

  @Test
  void lastBatchIsAveragedOverItsOwnSize() {
    double[][] x = Datasets.normal(1, ROWS, 3);
    double[][] y = Datasets.normal(2, ROWS, 1);
    long[][] orders = new long[EPOCHS][ROWS];
    for (long[] order : orders) {
      for (int i = 0; i < ROWS; i++) {
        order[i] = i;
      }
    }
    for (int batch : new int[] {1, BATCH, ROWS - 1, ROWS}) {
      ByHand expected = new ByHand(x, y, orders, batch);
      onEveryBackend(
          (backend, arena) -> {
            TrainingResult result =
                sgd(RATE)
                    .epochs(EPOCHS)
                    .batchSize(batch)
                    .inOrder()
                    .fit(Datasets.of(arena, DType.F64, x, y), backend);
            agrees(expected, result, backend.name() + " batch " + batch);
            assertEquals((long) EPOCHS * Math.ceilDiv(ROWS, batch), result.steps());
            assertEquals(ROWS, result.trainingRows());
          });
    }
  }

  @Test
  void shuffledBatchesFollowTheRowOrder() {
    double[][] x = Datasets.normal(1, ROWS, 3);
    double[][] y = Datasets.normal(2, ROWS, 1);
    long seed = 5;
    for (int heldOut : new int[] {0, 3}) {
      int rows = ROWS - heldOut;
      long[][] orders = new long[EPOCHS][rows];
      try (TensorArena arena = TensorArena.open("order")) {
        RowOrder order = RowOrder.of(arena, ROWS, heldOut, seed);
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
          order.shuffle(epoch);
          for (int i = 0; i < rows; i++) {
            orders[epoch][i] = order.index().getLong(i);
          }
        }
      }
      ByHand expected = new ByHand(x, y, orders, BATCH);
      onEveryBackend(
          (backend, arena) -> {
            TrainingResult result =
                sgd(RATE)
                    .epochs(EPOCHS)
                    .batchSize(BATCH)
                    .validation(heldOut / 10.0)
                    .keepLast()
                    .seed(seed)
                    .fit(Datasets.of(arena, DType.F64, x, y), backend);
            agrees(expected, result, backend.name() + " held out " + heldOut);
          });
    }
  }

  @Test
  void fullBatchIsABatchOfAllRows() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, ROWS, 3, 1, 1);
          TrainingResult full = sgd(RATE).fit(data, backend);
          TrainingResult sized = sgd(RATE).batchSize(2).batchSize(ROWS).fit(data, backend);
          TrainingResult again = sgd(RATE).batchSize(2).fullBatch().fit(data, backend);
          assertArrayEquals(full.model().coefficients()[0], sized.model().coefficients()[0]);
          assertArrayEquals(full.model().coefficients()[0], again.model().coefficients()[0]);
          assertEquals(100, full.steps());
        });
  }

  @Test
  void batchLargerThanTheDataIsRefusedAndNothingChanges() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, ROWS, 3, 1, 1);
          double[][] before = Datasets.rows(data.x());
          IllegalArgumentException e =
              assertThrows(
                  IllegalArgumentException.class,
                  () -> sgd(RATE).batchSize(ROWS + 1).standardizeInPlace().fit(data, backend));
          assertEquals(
              "Trainer.batchSize: batch size 11 is larger than the 10 training rows; use a full batch",
              e.getMessage());
          assertThrows(
              IllegalArgumentException.class,
              () -> sgd(RATE).batchSize(ROWS).validation(0.2).fit(data, backend));
          assertArrayEquals(before, Datasets.rows(data.x()));
        });
  }

  @Test
  void optionsOutOfRange() {
    Trainer trainer = sgd(RATE);
    assertEquals(
        "epochs must be at least 1, found 0",
        assertThrows(IllegalArgumentException.class, () -> trainer.epochs(0)).getMessage());
    assertThrows(IllegalArgumentException.class, () -> trainer.batchSize(0));
    assertThrows(IllegalArgumentException.class, () -> trainer.validation(1));
    assertThrows(IllegalArgumentException.class, () -> trainer.validation(-0.1));
    assertThrows(IllegalArgumentException.class, () -> trainer.patience(0, 0));
    assertThrows(IllegalArgumentException.class, () -> trainer.patience(1, -1));
    assertThrows(IllegalArgumentException.class, () -> trainer.gradientTolerance(0));
    assertThrows(IllegalArgumentException.class, () -> trainer.maximumTime(Duration.ZERO));
  }

  @Test
  void validationNeedsARowOnEachSide() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, ROWS, 3, 1, 1);
          assertThrows(
              IllegalArgumentException.class, () -> sgd(RATE).validation(0.01).fit(data, backend));
          assertThrows(
              IllegalArgumentException.class, () -> sgd(RATE).validation(0.99).fit(data, backend));
        });
  }

  @Test
  void figuresAreThoseOfTheModelOnRawRows() {
    int rows = 50;
    int heldOut = 10;
    long seed = 3;
    try (TensorArena raw = TensorArena.open("raw")) {
      Dataset rawData = Datasets.plane(raw, DType.F64, 1, rows, 4, 2, 0.5);
      double[][] x = Datasets.rows(rawData.x());
      double[][] y = Datasets.rows(rawData.y());
      RowOrder order = RowOrder.of(raw, rows, heldOut, seed);
      onEveryBackend(
          (backend, arena) -> {
            TrainingResult result =
                sgd(RATE)
                    .epochs(EPOCHS)
                    .batchSize(BATCH)
                    .seed(seed)
                    .validation(0.2)
                    .standardizeInPlace()
                    .fit(Datasets.of(arena, DType.F64, x, y), backend);
            double mse = 0;
            double r2 = 0;
            double validation = 0;
            for (int j = 0; j < 2; j++) {
              double[] squares = squares(result.model(), x, y, j);
              double error = 0;
              double sum = 0;
              for (int i = 0; i < rows - heldOut; i++) {
                error += squares[row(order, i)];
                sum += y[row(order, i)][j];
              }
              double variance = 0;
              for (int i = 0; i < rows - heldOut; i++) {
                variance += Math.pow(y[row(order, i)][j] - sum / (rows - heldOut), 2);
              }
              for (int i = rows - heldOut; i < rows; i++) {
                validation += squares[row(order, i)] / heldOut / 2;
              }
              mse += error / (rows - heldOut) / 2;
              r2 += (1 - error / variance) / 2;
            }
            assertEquals(rows - heldOut, result.trainingRows());
            assertEquals(mse, result.mse(), 1e-12 * mse);
            assertEquals(r2, result.r2(), 1e-12);
            assertEquals(validation, result.validationMse(), 1e-12 * validation);
            assertEquals(validation, result.history().getLast().validationLoss(), 1e-12);
            assertTrue(result.backend().startsWith(backend.name()));
          });
    }
  }

  private static int row(RowOrder order, int position) {
    return Math.toIntExact(order.index().getLong(position));
  }

  @Test
  void heldOutRowsDoNotTouchTheModel() {
    double[][] x = Datasets.normal(1, 20, 3);
    double[][] y = Datasets.normal(2, 20, 1);
    onEveryBackend(
        (backend, arena) -> {
          RowOrder order = RowOrder.of(arena, 20, 5, 9);
          Trainer trainer = sgd(RATE).batchSize(BATCH).validation(0.25).keepLast().seed(9);
          trainer.standardizeInPlace();
          TrainingResult first = trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
          Dataset changed = Datasets.of(arena, DType.F64, x, y);
          for (int i = 15; i < 20; i++) {
            changed.x().rows(row(order, i), 1).fill(1000);
            changed.y().rows(row(order, i), 1).fill(-1000);
          }
          TrainingResult second = trainer.fit(changed, backend);
          assertArrayEquals(first.model().coefficients()[0], second.model().coefficients()[0]);
          assertEquals(first.model().intercept(0), second.model().intercept(0), 0.0);
          assertEquals(first.mse(), second.mse(), 0.0);
          assertTrue(second.validationMse() > 1000 * first.validationMse());
        });
  }

  @Test
  void withoutStandardizingTheDataStayAsTheyAre() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F32, 1, ROWS, 3, 1, 1);
          double[][] x = Datasets.rows(data.x());
          double[][] y = Datasets.rows(data.y());
          Adam adam = Adam.of(RATE);
          Trainer.with(Optimizer.of(adam)).batchSize(BATCH).validation(0.3).fit(data, backend);
          assertArrayEquals(x, Datasets.rows(data.x()));
          assertArrayEquals(y, Datasets.rows(data.y()));
        });
  }

  @Test
  void aTrainerCanBeUsedAgain() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, ROWS, 3, 1, 1);
          Trainer trainer = Trainer.with(Optimizer.of(Adam.of(RATE))).batchSize(BATCH);
          TrainingResult first = trainer.fit(data, backend);
          TrainingResult second = trainer.fit(data, backend);
          assertArrayEquals(first.model().coefficients()[0], second.model().coefficients()[0]);
          assertEquals(first.steps(), second.steps());
          assertEquals(100, second.history().size());
        });
  }

  @Test
  void nothingIsCopied() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F32, 1, 200, 8, 1, 1);
          long copies = backend.trace().copies();
          long bytes = backend.trace().copiedBytes();
          long gradients = backend.trace().gradientCalls();
          long steps = backend.trace().stepCalls();
          sgd(RATE).epochs(EPOCHS).batchSize(16).validation(0.2).keepLast().fit(data, backend);
          if (backend.usesHostMemory()) {
            // None in a step; one of the parameters in an epoch, for trainings that diverge.
            long parameters = 32L * DType.F32.bytes();
            assertEquals(copies + EPOCHS, backend.trace().copies());
            assertEquals(bytes + EPOCHS * parameters, backend.trace().copiedBytes());
          } else {
            // Rows and targets once; for each epoch its order, its losses and its parameters; the
            // model.
            long made = backend.trace().copies() - copies;
            assertTrue(made <= 6 + 5 * EPOCHS, made + " copies");
          }
          assertEquals(steps + EPOCHS * 10, backend.trace().stepCalls());
          // One for each step, one for each epoch's held-out rows, and both losses at the end.
          assertEquals(gradients + EPOCHS * 10 + EPOCHS + 2, backend.trace().gradientCalls());
        });
  }
}
