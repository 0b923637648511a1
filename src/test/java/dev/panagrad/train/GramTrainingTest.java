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
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Training in Gram mode: the same as from the rows, without reading them. */
class GramTrainingTest {
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);
  private static final int ROWS = 16;
  private static final int EPOCHS = 4;

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.host(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static void onEveryBackend(BiConsumer<Backend, TensorArena> test) {
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("gram")) {
        test.accept(backend, arena);
      }
    }
  }

  private static Trainer gd(double rate) {
    return Trainer.with(Optimizer.of(new GradientDescent(rate)));
  }

  /** Whole numbers from -4 to 4. */
  private static Dataset small(TensorArena arena, DType dtype, int rows, int cols, int outputs) {
    Random random = new Random(3);
    double[][] x = new double[rows][cols];
    double[][] y = new double[rows][outputs];
    for (int i = 0; i < rows; i++) {
      for (int f = 0; f < cols; f++) {
        x[i][f] = random.nextInt(9) - 4;
      }
      for (int j = 0; j < outputs; j++) {
        y[i][j] = random.nextInt(9) - 4;
      }
    }
    return Datasets.of(arena, dtype, x, y);
  }

  private static void sameModel(TrainingResult expected, TrainingResult found, String what) {
    for (int j = 0; j < expected.model().targets().size(); j++) {
      double[] coefficients = expected.model().coefficients()[j];
      assertArrayEquals(coefficients, found.model().coefficients()[j], 0.0, what);
      assertEquals(expected.model().intercept(j), found.model().intercept(j), 0.0, what);
    }
    assertEquals(expected.steps(), found.steps(), what);
    assertEquals(expected.mse(), found.mse(), 0.0, what);
    assertEquals(expected.r2(), found.r2(), 0.0, what);
    assertEquals(expected.validationMse(), found.validationMse(), 0.0, what);
    for (int i = 0; i < expected.history().size(); i++) {
      assertEquals(expected.history().get(i).loss(), found.history().get(i).loss(), 0.0, what);
    }
  }

  /**
   * Sums over sixteen rows of small whole numbers and their means are exact in both ways, so that
   * every optimizer gets the same first gradient and makes the same step.
   */
  @Test
  void firstStepOfEveryOptimizerHasTheSameBits() {
    List<Supplier<Optimizer.Builder>> optimizers =
        List.of(
            () -> Optimizer.of(new GradientDescent(0.1)),
            () -> Optimizer.of(new GradientDescent(0.1)).penalty(Penalty.l1(0.3)),
            () -> Optimizer.of(new GradientDescent(0.1)).penalty(new Penalty(0.3, 0.2)),
            () -> Optimizer.of(new GradientDescent(0.1)).clipNorm(0.5),
            () -> Optimizer.of(new GradientDescent(0.1)).clipValue(0.5),
            () -> Optimizer.of(Sgd.of(0.1).withMomentum(0.9)),
            () -> Optimizer.of(Adam.of(0.1)).penalty(Penalty.l2(0.3)),
            () -> Optimizer.of(Adam.adamW(0.1)),
            () -> Optimizer.of(RmsProp.of(0.1)).penalty(Penalty.l1(0.3)));
    for (DType dtype : TYPES) {
      for (int outputs : new int[] {1, 3}) {
        onEveryBackend(
            (backend, arena) -> {
              Dataset data = small(arena, dtype, ROWS, 5, outputs);
              for (Supplier<Optimizer.Builder> optimizer : optimizers) {
                for (boolean hasIntercept : new boolean[] {true, false}) {
                  Trainer rows = Trainer.with(optimizer.get()).epochs(1);
                  Trainer gram = Trainer.with(optimizer.get()).epochs(1).gram();
                  if (!hasIntercept) {
                    rows.withoutIntercept();
                    gram.withoutIntercept();
                  }
                  sameModel(
                      rows.fit(data, backend), gram.fit(data, backend), backend.name() + dtype);
                }
              }
            });
      }
    }
  }

  /**
   * At a rate of 1/8 each epoch adds 6 bits to weights that are whole multiples of a power of two,
   * and G has 12 of its own: four epochs are exact in F64 in both ways. Half of the rows are held
   * out, so that the others are found by their index.
   */
  @Test
  void exactArithmeticHasTheSameBits() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = small(arena, DType.F64, 2 * ROWS, 5, 2);
          for (double validation : new double[] {0, 0.5}) {
            Trainer rows = gd(0.125).epochs(EPOCHS).validation(validation).seed(7);
            TrainingResult expected = rows.fit(data, backend);
            sameModel(expected, rows.gram().fit(data, backend), backend.name());
          }
        });
  }

  /** The loss of epochs has the limits of Gram mode; loss and R2 of the result have not. */
  @Test
  void figuresOfTheResultAreComputedFromTheRows() {
    double e = 0x1p-30;
    double[][] x = {{1}, {1}, {-1}, {-1}};
    double[][] y = {{1 + e}, {1 - e}, {-1 + e}, {-1 - e}};
    onEveryBackend(
        (backend, arena) -> {
          // The first step reaches the minimum: G = 1, and so are c and the gradient over -2.
          TrainingResult result =
              gd(0.5).epochs(2).gram().fit(Datasets.of(arena, DType.F64, x, y), backend);
          assertEquals(1.0, result.model().coefficient(0, 0), 0.0);
          assertEquals(0.0, result.history().get(1).loss(), 0.0);
          assertEquals(e * e, result.mse(), 0.0);
        });
  }

  @Test
  void rowsAreReadForTheFiguresOnly() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F32, 1, 200, 8, 1, 1);
          long copies = backend.trace().copies();
          long gradients = backend.trace().gradientCalls();
          long steps = backend.trace().stepCalls();
          gd(0.1).epochs(9).gram().fit(data, backend);
          assertEquals(steps + 9, backend.trace().stepCalls());
          assertEquals(gradients + 1, backend.trace().gradientCalls());
          // One for each epoch's held-out rows, and both losses at the end.
          gd(0.1).epochs(9).gram().validation(0.2).keepLast().fit(data, backend);
          assertEquals(gradients + 1 + 9 + 2, backend.trace().gradientCalls());
          // The parameters of each epoch, for trainings that diverge.
          assertEquals(copies + 18, backend.trace().copies());
        });
  }

  @Test
  void batchesSmallerThanTheDataAreRefusedAndNothingChanges() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, 10, 3, 1, 1);
          double[][] before = Datasets.rows(data.x());
          Trainer trainer = gd(0.1).gram().standardizeInPlace().batchSize(9);
          IllegalArgumentException e =
              assertThrows(IllegalArgumentException.class, () -> trainer.fit(data, backend));
          assertEquals(
              "Trainer.batchSize: Gram mode takes all rows in every step, found batch size 9 of 10 training rows; use a full"
                  + " batch, or leave out Trainer.gram",
              e.getMessage());
          assertArrayEquals(before, Datasets.rows(data.x()));
          // Of eight training rows, batches of eight are all.
          assertEquals(100, trainer.batchSize(8).validation(0.2).fit(data, backend).steps());
          assertEquals(100, trainer.batchSize(10).validation(0).fit(data, backend).steps());
          assertEquals(100, trainer.fullBatch().fit(data, backend).steps());
        });
  }

  @Test
  void moreFeaturesThanNormalEquationsTakeAreRefusedAndNothingChanges() {
    Backend backend = backends.getFirst();
    try (TensorArena arena = TensorArena.open("wide")) {
      Tensor x = arena.allocate("x", DType.F32, 3, 20_001);
      x.set(0, 0, 5);
      Dataset data = Dataset.of(x, arena.allocate("y", DType.F32, 3));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> gd(0.1).gram().standardizeInPlace().fit(data, backend));
      assertTrue(e.getMessage().contains("20,001 features take 3.20 GB"), e.getMessage());
      assertEquals(5.0, x.get(0, 0), 0.0);
    }
  }

  @Test
  void orderOfRowsDoesNotMatter() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F32, 1, 50, 3, 1, 1);
          TrainingResult first = gd(0.1).gram().seed(1).fit(data, backend);
          sameModel(first, gd(0.1).gram().seed(2).fit(data, backend), "another seed");
          sameModel(first, gd(0.1).gram().inOrder().fit(data, backend), "in order");
        });
  }

  @Test
  void sameBitsForAnyNumberOfThreads() {
    for (String name : TestBackends.hostNames()) {
      List<Long> expected = null;
      for (int threads : new int[] {1, 2, 3, 8}) {
        try (Backend backend = Backends.open(name, new BackendOptions(threads));
            TensorArena arena = TensorArena.open("bits")) {
          TrainingResult result =
              Trainer.with(Optimizer.of(Adam.of(0.01)).clipNorm(1))
                  .epochs(5)
                  .validation(0.1)
                  .standardizeInPlace()
                  .gram()
                  .fit(Datasets.plane(arena, DType.F32, 1, 5000, 40, 2, 1), backend);
          List<Long> bits = new ArrayList<>();
          for (double[] row : result.model().coefficients()) {
            for (double coefficient : row) {
              bits.add(Double.doubleToRawLongBits(coefficient));
            }
          }
          for (EpochRecord epoch : result.history()) {
            bits.add(Double.doubleToRawLongBits(epoch.loss()));
            bits.add(Double.doubleToRawLongBits(epoch.validationLoss()));
          }
          expected = expected == null ? bits : expected;
          assertEquals(expected, bits, name + " threads " + threads);
        }
      }
    }
  }

  @Test
  void divergenceIsSeen() {
    for (DType dtype : TYPES) {
      onEveryBackend(
          (backend, arena) -> {
            Dataset data = Datasets.plane(arena, dtype, 1, 20, 3, 1, 0.5);
            DivergenceException e =
                assertThrows(
                    DivergenceException.class,
                    () -> gd(1000).epochs(1000).gram().fit(data, backend));
            DivergenceException byRows =
                assertThrows(
                    DivergenceException.class, () -> gd(1000).epochs(1000).fit(data, backend));
            assertEquals(byRows.step(), e.step(), backend.name());
            assertTrue(e.getMessage().startsWith("training diverged: at step"), e.getMessage());
            assertThrows(
                DivergenceException.class, () -> gd(1e300).epochs(1).gram().fit(data, backend));
          });
    }
  }

  @Test
  void cellsThatAreNotFiniteAreSeenBeforeTheFirstStep() {
    onEveryBackend(
        (backend, arena) -> {
          for (double cell : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
            for (boolean inTarget : new boolean[] {false, true}) {
              Dataset data = Datasets.plane(arena, DType.F32, 1, 20, 3, 1, 0.5);
              (inTarget ? data.y() : data.x()).set(7, 0, cell);
              DivergenceException e =
                  assertThrows(DivergenceException.class, () -> gd(0.1).gram().fit(data, backend));
              assertEquals(1, e.step());
              assertTrue(
                  e.getMessage()
                      .endsWith(
                          "before any step: the data has values that are not finite or too large for F32"),
                  e.getMessage());
            }
          }
          Dataset data = Datasets.plane(arena, DType.F32, 1, 20, 3, 1, 0.5);
          long row = RowOrder.of(arena, 20, 4, 0).index().getLong(19);
          data.y().set(row, 0, Double.NaN);
          DivergenceException e =
              assertThrows(
                  DivergenceException.class,
                  () -> gd(0.1).gram().validation(0.2).fit(data, backend));
          assertTrue(e.getMessage().contains("held-out rows"), e.getMessage());
        });
  }

  @Test
  void stoppingRules() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, 100, 4, 1, 0.5);
          int many = 100_000;
          TrainingResult patient = gd(0.1).epochs(many).gram().patience(1, 1e-4).fit(data, backend);
          assertEquals(StopReason.PATIENCE, patient.stopReason());
          assertTrue(patient.epochs() > 10 && patient.epochs() < many);
          TrainingResult flat =
              gd(0.1).epochs(many).gram().gradientTolerance(1e-6).fit(data, backend);
          assertEquals(StopReason.GRADIENT, flat.stopReason());
          for (EpochRecord epoch : flat.history()) {
            assertEquals(epoch.epoch() == flat.epochs(), epoch.gradientNorm() <= 1e-6);
          }
          TrainingResult heard =
              gd(0.1).epochs(many).gram().listener(r -> r.epoch() < 4).fit(data, backend);
          assertEquals(4, heard.epochs());
        });
  }

  /** A target that is met exactly: losses end at zero, which no epoch can improve. */
  @Test
  void patienceEndsWhereTheLossIsRounding() {
    onEveryBackend(
        (backend, arena) -> {
          Dataset data = Datasets.plane(arena, DType.F64, 1, 100, 4, 1, 0);
          TrainingResult result = gd(0.2).epochs(100_000).gram().patience(20, 0).fit(data, backend);
          assertEquals(StopReason.PATIENCE, result.stopReason());
          assertTrue(result.history().stream().allMatch(r -> r.loss() >= 0));
          assertTrue(result.epochs() < 10_000);
        });
  }
}
