package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The models that trainings end with: intercepts, constant columns, few rows, several targets. */
class TrainedModelTest {
  private static final int BATCH = 4;
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
      try (TensorArena arena = TensorArena.open("model")) {
        test.accept(backend, arena);
      }
    }
  }

  private static Trainer gd(double rate) {
    return Trainer.with(Optimizer.of(new GradientDescent(rate)));
  }

  private static double[] squares(LinearModel model, double[][] x, double[][] y, int output) {
    double[] squares = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double residual = model.predict(x[i], output) - y[i][output];
      squares[i] = residual * residual;
    }
    return squares;
  }

  private static double mean(double... values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  @Test
  void throughTheOrigin() {
    double[][] x = {{1}, {2}, {3}};
    double[][] y = {{5}, {7}, {9}};
    for (boolean standardize : new boolean[] {false, true}) {
      onEveryBackend(
          (backend, arena) -> {
            Trainer trainer = gd(0.05).epochs(2000).withoutIntercept();
            if (standardize) {
              trainer.standardizeInPlace();
            }
            TrainingResult result = trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
            assertEquals(46.0 / 14, result.model().coefficient(0, 0), 1e-12);
            assertEquals(0.0, result.model().intercept(0), 0.0);
          });
    }
  }

  @Test
  void constantColumnHasNoCoefficientAndIsNamed() {
    double[][] x = Datasets.normal(1, 30, 3);
    double[][] y = Datasets.normal(2, 30, 1);
    for (double[] row : x) {
      row[1] = 0.1;
    }
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      onEveryBackend(
          (backend, arena) -> {
            TrainingResult result =
                Trainer.with(Optimizer.of(Adam.of(RATE)))
                    .standardizeInPlace()
                    .fit(Datasets.of(arena, dtype, x, y), backend);
            assertEquals(List.of("x2"), result.constantFeatures());
            assertEquals(0.0, result.model().coefficient(0, 1), 0.0);
            assertTrue(result.model().coefficient(0, 0) != 0);
            assertTrue(Double.isFinite(result.mse()));
          });
    }
  }

  @Test
  void constantTarget() {
    double[][] x = Datasets.normal(1, 30, 3);
    double[][] y = new double[30][];
    for (int i = 0; i < 30; i++) {
      y[i] = new double[] {0.1};
    }
    onEveryBackend(
        (backend, arena) -> {
          TrainingResult result =
              Trainer.with(Optimizer.of(Adam.of(RATE)))
                  .batchSize(BATCH)
                  .standardizeInPlace()
                  .fit(Datasets.of(arena, DType.F64, x, y), backend);
          assertEquals(0.1, result.model().predict(x[0], 0), 1e-15);
          assertEquals(0, result.mse(), 1e-30);
          assertTrue(Double.isNaN(result.r2()));
        });
  }

  @Test
  void fewerRowsThanColumns() {
    double[][] x = Datasets.normal(1, 5, 12);
    double[][] y = Datasets.normal(2, 5, 1);
    for (boolean standardize : new boolean[] {false, true}) {
      onEveryBackend(
          (backend, arena) -> {
            Trainer trainer = gd(0.02).epochs(5000);
            if (standardize) {
              trainer.standardizeInPlace();
            }
            TrainingResult result = trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
            assertEquals(0, result.mse(), 1e-12);
            assertEquals(0, mean(squares(result.model(), x, y, 0)), 1e-12);
          });
    }
  }

  @Test
  void oneRow() {
    onEveryBackend(
        (backend, arena) -> {
          TrainingResult result =
              gd(0.1)
                  .standardizeInPlace()
                  .fit(
                      Datasets.of(arena, DType.F64, new double[][] {{1, 2}}, new double[][] {{7}}),
                      backend);
          assertEquals(7.0, result.model().predict(new double[] {1, 2}, 0), 0.0);
          assertEquals(List.of("x1", "x2"), result.constantFeatures());
        });
  }

  @Test
  void severalTargetsAreFittedAsIfEachWereAlone() {
    int outputs = 3;
    double[][] x = Datasets.normal(1, 60, 5);
    double[][] y = Datasets.normal(2, 60, outputs);
    for (double[] row : y) {
      row[1] = 50 + 10 * row[1];
    }
    onEveryBackend(
        (backend, arena) -> {
          Trainer trainer = Trainer.with(Optimizer.of(Adam.of(RATE))).batchSize(7).seed(4);
          trainer.standardizeInPlace();
          TrainingResult together = trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
          double mse = 0;
          for (int j = 0; j < outputs; j++) {
            double[][] alone = new double[y.length][];
            for (int i = 0; i < y.length; i++) {
              alone[i] = new double[] {y[i][j]};
            }
            TrainingResult one = trainer.fit(Datasets.of(arena, DType.F64, x, alone), backend);
            double[] expected = one.model().coefficients()[0];
            assertArrayEquals(expected, together.model().coefficients()[j], 1e-9);
            assertEquals(one.model().intercept(0), together.model().intercept(j), 1e-9);
            mse += one.mse() / outputs;
          }
          assertEquals(mse, together.mse(), 1e-10 * mse);
        });
  }

  @Test
  void penaltiesOnSeveralTargetsAreThoseOnEachAlone() {
    double[][] x = Datasets.normal(1, 60, 5);
    double[][] y = Datasets.normal(2, 60, 2);
    for (double[] row : y) {
      row[1] = 50 + 3 * row[1];
    }
    for (Penalty penalty : List.of(Penalty.l2(0.1), new Penalty(0.2, 0.05))) {
      onEveryBackend(
          (backend, arena) -> {
            Trainer trainer =
                Trainer.with(Optimizer.of(new GradientDescent(0.2)).penalty(penalty))
                    .epochs(200)
                    .standardizeInPlace();
            TrainingResult together = trainer.fit(Datasets.of(arena, DType.F64, x, y), backend);
            for (int j = 0; j < 2; j++) {
              double[][] alone = new double[y.length][];
              for (int i = 0; i < y.length; i++) {
                alone[i] = new double[] {y[i][j]};
              }
              TrainingResult one = trainer.fit(Datasets.of(arena, DType.F64, x, alone), backend);
              double[] expected = one.model().coefficients()[0];
              assertArrayEquals(expected, together.model().coefficients()[j], 1e-10);
            }
          });
    }
  }
}
