package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Methods end at the minimum, whatever units and offsets columns have, or say that they do not. */
class EndsTest {
  private static final List<Solver> SOLVERS =
      List.of(new Exact(), new ConjugateGradient(), new Lbfgs(), new Fista());

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.open("simd", new BackendOptions(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private static Trainer trainer(Solver solver) {
    return Trainer.with(solver, Penalty.none()).epochs(3_000).certify();
  }

  /** In raw units: timestamps, columns of offset 1e8, and both beside a column of size 1e-6. */
  @Test
  void offsets() {
    for (Solver solver : SOLVERS) {
      for (double offset : new double[] {0, 1e4, 1e8, 1.7e12}) {
        try (TensorArena arena = TensorArena.open("offsets")) {
          double[][] noise = Datasets.normal(1, 200, 3);
          double[][] x = new double[200][];
          double[][] y = new double[200][];
          for (int i = 0; i < 200; i++) {
            x[i] = new double[] {offset + 50 * noise[i][0], 1e-6 * noise[i][1]};
            y[i] = new double[] {0.5 * (x[i][0] - offset) + 2e6 * x[i][1] + noise[i][2]};
          }
          TrainingResult exact =
              trainer(new Exact()).fit(Datasets.of(arena, DType.F64, x, y), backend);
          TrainingResult found = trainer(solver).fit(Datasets.of(arena, DType.F64, x, y), backend);
          String what = solver.name() + " offset " + offset + ": " + found.stopReason();
          // What rounding leaves of a column of such an offset, times its condition.
          double digits = 1e-9 + 1e-14 * offset / 50;
          for (int f = 0; f < 2; f++) {
            double expected = exact.model().coefficient(0, f);
            assertEquals(
                expected, found.model().coefficient(0, f), digits * Math.abs(expected), what);
          }
          assertEquals(0.5, exact.model().coefficient(0, 0), 0.01, what);
          // Residuals lose four roundings of terms as large as half the offset.
          double wrong = 4 * 0x1p-53 * 0.5 * offset;
          double rounding = wrong * (2 * Math.sqrt(found.mse()) + wrong) + 1e-12;
          assertTrue(found.mse() - exact.mse() <= found.certificate().gap() + rounding, what);
        }
      }
    }
  }

  /** Large counts, for which a step of length 1 overflows, and exposures up to 44,000. */
  @Test
  void counts() {
    for (double mean : new double[] {1, 100, 800, 1e6}) {
      for (Solver solver : List.of(new Lbfgs(), new Fista())) {
        try (TensorArena arena = TensorArena.open("counts")) {
          double[][] x = Datasets.normal(2, 200, 2);
          double[][] y = new double[200][];
          SplittableRandom random = new SplittableRandom(4);
          for (int i = 0; i < 200; i++) {
            double expected = mean * Math.exp(0.3 * x[i][0] - 0.2 * x[i][1]);
            y[i] = new double[] {Math.round(expected * (0.9 + 0.2 * random.nextDouble()))};
          }
          TrainingResult found =
              trainer(solver).loss(new Poisson()).fit(Datasets.of(arena, DType.F64, x, y), backend);
          String what = solver.name() + " mean " + mean + ": " + found;
          assertEquals(StopReason.CONVERGED, found.stopReason(), what);
          // The gradient at the minimum: counts less what is expected of them.
          double sum = 0;
          double all = 0;
          for (int i = 0; i < 200; i++) {
            sum += (y[i][0] - found.model().response(x[i], 0)) * x[i][0];
            all += y[i][0];
          }
          assertEquals(0, sum / all, 1e-7, what);
        }
      }
    }
  }

  /**
   * The proximal gradient grows for long while the loss falls, where counts are of unlike sizes.
   */
  @Test
  void fistaGoesOnWhileTheLossFalls() {
    try (TensorArena arena = TensorArena.open("counts")) {
      double[][] x = {
        {1, 15}, {2, 55}, {3, 120}, {4, 33}, {5, 150}, {6, 120}, {7, 900}, {8, 230}, {9, 60},
        {10, 140}
      };
      double[][] y = {{10000}, {1}, {1}, {1}, {0}, {0}, {0}, {0}, {0}, {0}};
      double least =
          trainer(new Lbfgs())
              .loss(new Poisson())
              .fit(Datasets.of(arena, DType.F64, x, y), backend)
              .loss();
      TrainingResult found =
          trainer(new Fista())
              .loss(new Poisson())
              .epochs(10_000)
              .fit(Datasets.of(arena, DType.F64, x, y), backend);
      assertEquals(least, found.loss(), 1e-7 * Math.abs(least), found.toString());
    }
  }

  /** Constant columns and copies cost neither bound nor condition number of the rest. */
  @Test
  void constantsAndCopies() {
    for (Solver solver : SOLVERS) {
      Certificate[] found = new Certificate[2];
      for (int more = 0; more < 2; more++) {
        try (TensorArena arena = TensorArena.open("copies")) {
          double[][] noise = Datasets.normal(5, 100, 4);
          double[][] x = new double[100][];
          double[][] y = new double[100][1];
          for (int i = 0; i < 100; i++) {
            double a = noise[i][0];
            double b = noise[i][1] + 0.5 * a;
            x[i] = more == 0 ? new double[] {a, b} : new double[] {a, 7, b, a - 2 * b};
            y[i][0] = a - b + noise[i][2];
          }
          found[more] =
              trainer(solver)
                  .standardizeInPlace()
                  .fit(Datasets.of(arena, DType.F64, x, y), backend)
                  .certificate();
        }
      }
      String what = solver.name() + " " + found[1];
      assertTrue(found[1].gap() < 1e-9 * found[1].objective(), what);
      assertEquals(found[0].objective(), found[1].objective(), 1e-9, what);
      assertTrue(found[1].condition() < 100, what);
    }
  }

  /** F32 rows end within what F32 tells of the loss, for each loss. */
  @Test
  void singlePrecision() {
    for (Loss loss : List.<Loss>of(new Logistic(), new Poisson(), new Huber(1))) {
      try (TensorArena arena = TensorArena.open("single")) {
        double[][] x = Datasets.normal(6, 300, 3);
        double[][] y = new double[300][1];
        SplittableRandom random = new SplittableRandom(8);
        for (int i = 0; i < 300; i++) {
          x[i][1] = 1000 + 10 * x[i][1];
          double z = x[i][0] + 0.02 * (x[i][1] - 1000);
          y[i][0] =
              loss.hasClasses()
                  ? (random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0)
                  : Math.round(2 * Math.exp(0.3 * z));
        }
        double[] losses = new double[2];
        for (DType dtype : List.of(DType.F32, DType.F64)) {
          losses[dtype == DType.F32 ? 0 : 1] =
              trainer(new Lbfgs()).loss(loss).fit(Datasets.of(arena, dtype, x, y), backend).loss();
        }
        assertEquals(losses[1], losses[0], 1e-6 * (1 + Math.abs(losses[1])), loss.name());
      }
    }
  }

  /** Weights of 0 are rows left out, and weights of 2 repeated ones, for the direct solution. */
  @Test
  void weights() {
    try (TensorArena arena = TensorArena.open("weights")) {
      double[][] x = Datasets.normal(11, 40, 3);
      double[][] y = Datasets.normal(12, 40, 1);
      double[][] longX = new double[50][];
      double[][] longY = new double[50][];
      Tensor weights = arena.allocate("weights", DType.F64, 40);
      int n = 0;
      for (int i = 0; i < 40; i++) {
        int weight = i < 10 ? 0 : i < 30 ? 1 : 3;
        weights.set(i, weight);
        for (int k = 0; k < weight; k++) {
          longX[n] = x[i];
          longY[n++] = y[i];
        }
      }
      assertEquals(50, n);
      for (double l2 : new double[] {0, 0.3}) {
        Penalty penalty = Penalty.l2(l2);
        TrainingResult weighted =
            Trainer.automatic(penalty)
                .weights(weights)
                .standardizeInPlace()
                .fit(Datasets.of(arena, DType.F64, x, y), backend);
        TrainingResult repeated =
            Trainer.automatic(penalty)
                .standardizeInPlace()
                .fit(Datasets.of(arena, DType.F64, longX, longY), backend);
        for (int f = 0; f < 3; f++) {
          assertEquals(
              repeated.model().coefficient(0, f), weighted.model().coefficient(0, f), 1e-13);
        }
        assertEquals(repeated.mse(), weighted.mse(), 1e-13);
        assertEquals(repeated.r2(), weighted.r2(), 1e-13);
      }
    }
  }
}
