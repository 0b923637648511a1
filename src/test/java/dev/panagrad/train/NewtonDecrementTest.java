package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.Pairs;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bounds of losses other than the squared error are above the distance to the minimum. */
class NewtonDecrementTest {
  private static final List<Loss> LOSSES = List.of(new Logistic(), new Poisson(), new Huber(0.8));
  private static final List<Penalty> PENALTIES =
      List.of(Penalty.none(), Penalty.l2(0.05), Penalty.l1(0.02), new Penalty(0.02, 0.05));
  private static final Backend BACKEND = Backends.open("simd", new BackendOptions(1));

  @AfterAll
  static void close() {
    BACKEND.close();
  }

  /** Columns of unlike units, a constant one, weights from 0 on, and an offset. */
  private record Problem(
      Loss loss, Penalty penalty, boolean intercept, boolean weights, boolean units, DType dtype) {
    private static final int N = 160;
    private static final int D = 4;

    private double target(SplittableRandom random, double z) {
      return switch (loss) {
        case Logistic _ -> random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
        case Poisson _ -> Math.rint(Math.exp(z / 2) * (0.5 + random.nextDouble()));
        default -> z + random.nextGaussian() * (random.nextInt(5) == 0 ? 10 : 0.5);
      };
    }

    private TrainingResult train(Trainer trainer) {
      try (TensorArena arena = TensorArena.open("newton")) {
        SplittableRandom random = new SplittableRandom(9);
        Tensor x = arena.allocate("x", dtype, N, D);
        Tensor y = arena.allocate("y", dtype, N);
        Tensor weight = arena.allocate("weight", DType.F64, N);
        Tensor offset = arena.allocate("offset", dtype, N);
        for (int i = 0; i < N; i++) {
          double shared = random.nextGaussian();
          double z = 0.3;
          for (int f = 0; f < D; f++) {
            double value = shared + random.nextGaussian();
            x.set(i, f, f == D - 1 && loss instanceof Huber == false ? 2 : value * (f + 1) + f);
            z += (f % 2 == 0 ? 0.4 : -0.3) * value;
          }
          offset.set(i, random.nextGaussian() / 4);
          y.set(i, target(random, z + offset.get(i)));
          weight.set(i, random.nextInt(4));
        }
        trainer.loss(loss).offset(offset).certify();
        if (weights) {
          trainer.weights(weight);
        }
        if (!intercept) {
          trainer.withoutIntercept();
        }
        if (units) {
          trainer.standardizeInPlace();
        }
        return trainer.fit(Dataset.of(x, y), BACKEND);
      }
    }
  }

  @Test
  void boundsHoldAndAreClose() {
    int known = 0;
    for (int[] chosen : Pairs.of(LOSSES.size(), PENALTIES.size(), 2, 2, 2, 2)) {
      Problem problem =
          new Problem(
              LOSSES.get(chosen[0]),
              PENALTIES.get(chosen[1]),
              chosen[2] == 0,
              chosen[3] == 0,
              chosen[4] == 0,
              chosen[5] == 0 ? DType.F64 : DType.F32);
      Certificate end =
          problem.train(Trainer.with(new Fista(), problem.penalty).epochs(20_000)).certificate();
      boolean isExact = problem.dtype == DType.F64;
      double least = end.objective() - (isExact ? 0 : end.gap());
      String at = "%s: %s".formatted(problem, end);
      assertTrue(end.gap() <= (isExact ? 1e-9 : 1e-3) * Math.abs(end.objective()), at);
      for (long epochs : new long[] {1, 4, 12, 40, 160}) {
        Certificate found =
            problem.train(Trainer.with(new Fista(), problem.penalty).epochs(epochs)).certificate();
        double excess = found.objective() - least;
        String what = "%s, %d: %s above, %s".formatted(problem, epochs, excess, found);
        if (Double.isNaN(found.gap())) {
          continue;
        }
        known++;
        assertTrue(found.gap() >= (found.objective() - end.objective()) - end.gap(), what);
        boolean isCornered = problem.penalty.l1() > 0;
        // Newton's decrement is the distance itself where the loss is nearly quadratic.
        if (isExact && !isCornered && excess > 1e-9 && excess < 1e-4) {
          assertTrue(found.gap() <= 2 * excess, what);
        }
      }
    }
    assertTrue(known > 30, known + " bounds are known");
  }

  @Test
  void ofRulesThatStep() {
    Problem problem = new Problem(new Logistic(), Penalty.none(), true, true, true, DType.F64);
    double least =
        problem
            .train(Trainer.with(new Fista(), Penalty.none()).epochs(20_000))
            .certificate()
            .objective();
    Certificate found =
        problem
            .train(Trainer.with(Optimizer.of(Adam.of(0.02))).batchSize(16).epochs(200))
            .certificate();
    double excess = found.objective() - least;
    assertTrue(found.gap() >= excess && found.gap() < 3 * excess, excess + ": " + found);
  }

  /** Constant columns that are not standardized have coefficients, and L2 penalties on them. */
  @ParameterizedTest
  @CsvSource({"squared, 0, 0.01", "logistic, 0, 0.01", "logistic, 0.02, 0", "logistic, 0.02, 0.01"})
  void penaltiesOfConstants(String name, double l1, double l2) {
    try (TensorArena arena = TensorArena.open("constant")) {
      Tensor x = arena.allocate("x", DType.F64, 8, 2);
      Tensor y = arena.allocate("y", DType.F64, 8);
      for (int i = 0; i < 8; i++) {
        x.set(i, 0, 3);
        x.set(i, 1, i % 3);
        y.set(i, i % 2);
      }
      for (int epochs : new int[] {2, 100, 3000}) {
        Trainer trainer =
            Trainer.with(Optimizer.of(Adam.of(0.1)).penalty(new Penalty(l1, l2)))
                .batchSize(8)
                .epochs(epochs)
                .certify();
        Trainer all = Trainer.with(new Fista(), new Penalty(l1, l2)).epochs(20_000).certify();
        if (name.equals("logistic")) {
          trainer.loss(new Logistic());
          all.loss(new Logistic());
        }
        double excess =
            trainer.fit(Dataset.of(x, y), BACKEND).certificate().objective()
                - all.fit(Dataset.of(x, y), BACKEND).certificate().objective();
        Certificate found = trainer.fit(Dataset.of(x, y), BACKEND).certificate();
        assertTrue(!(found.gap() < excess), excess + ": " + found);
      }
    }
  }

  /** Where a plane separates the classes there is no minimum to be near to. */
  @Test
  void separatedClasses() {
    try (TensorArena arena = TensorArena.open("separated")) {
      Tensor x = arena.allocate("x", DType.F64, 8, 1);
      Tensor y = arena.allocate("y", DType.F64, 8);
      for (int i = 0; i < 8; i++) {
        x.set(i, 0, i);
        y.set(i, i < 4 ? 0 : 1);
      }
      for (int epochs : new int[] {5, 50, 500}) {
        Certificate found =
            Trainer.with(epochs == 50 ? new Lbfgs() : new Fista(), Penalty.none())
                .loss(new Logistic())
                .epochs(epochs)
                .certify()
                .fit(Dataset.of(x, y), BACKEND)
                .certificate();
        assertTrue(!(found.gap() < found.objective() * (1 - 1e-9)), epochs + ": " + found);
      }
    }
  }

  /** A column that only outliers of Huber's loss have moves the loss, and bends it nowhere. */
  @Test
  void columnOfOutliers() {
    try (TensorArena arena = TensorArena.open("outliers")) {
      Tensor x = arena.allocate("x", DType.F64, 40, 2);
      Tensor y = arena.allocate("y", DType.F64, 40);
      for (int i = 0; i < 40; i++) {
        x.set(i, 0, i % 7);
        x.set(i, 1, i < 2 ? 1 : 0);
        y.set(i, i % 7 + (i < 2 ? 100 : 0) + 0.1 * (i % 5));
      }
      Certificate found =
          Trainer.with(new Fista(), Penalty.none())
              .loss(new Huber(1))
              .epochs(3)
              .certify()
              .fit(Dataset.of(x, y), BACKEND)
              .certificate();
      assertEquals(Double.NaN, found.gap(), found.toString());
    }
  }

  /** A column that others add up to, and one that is constant beside outliers, cost no bound. */
  @ParameterizedTest
  @CsvSource({"logistic, 1", "logistic, 2", "huber, 1", "huber, 2"})
  void flatDirections(String name, int seed) {
    try (TensorArena arena = TensorArena.open("flat")) {
      Tensor x = arena.allocate("x", DType.F64, 60, 4);
      Tensor y = arena.allocate("y", DType.F64, 60);
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = 0; i < 60; i++) {
        double a = random.nextGaussian();
        double b = random.nextGaussian();
        double[] row = {a, b, a + b, 3};
        for (int f = 0; f < 4; f++) {
          x.set(i, f, row[f]);
        }
        boolean isHuber = name.equals("huber");
        double target = isHuber && i % 9 == 0 ? 50 : a - b + random.nextGaussian();
        y.set(i, isHuber ? target : target > 0 ? 1 : 0);
      }
      Certificate found =
          Trainer.automatic(Penalty.none())
              .loss(name.equals("huber") ? new Huber(1) : new Logistic())
              .certify()
              .fit(Dataset.of(x, y), BACKEND)
              .certificate();
      assertTrue(found.gap() <= 1e-9 * found.objective(), found.toString());
      assertTrue(found.basis().contains("that rounding can tell apart"), found.basis());
    }
  }

  /** Residuals are what rounding leaves of large targets and offsets. */
  @ParameterizedTest
  @CsvSource({"squared, false", "huber, false", "squared, true", "huber, true"})
  void farFromZero(String name, boolean isOffset) {
    for (int seed = 0; seed < 4; seed++) {
      try (TensorArena arena = TensorArena.open("far")) {
        Tensor x = arena.allocate("x", DType.F64, 40, 2);
        Tensor y = arena.allocate("y", DType.F64, 40);
        Tensor small = arena.allocate("y - 1e8", DType.F64, 40);
        Tensor offset = arena.allocate("offset", DType.F64, 40);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 40; i++) {
          x.set(i, 0, random.nextGaussian());
          x.set(i, 1, random.nextGaussian());
          y.set(i, 1e8 + x.get(i, 0) + random.nextGaussian());
          small.set(i, y.get(i) - 1e8); // exactly
          offset.set(i, isOffset ? 1e8 : 0);
        }
        Trainer trainer = Trainer.with(new Fista(), Penalty.none()).epochs(5000).certify();
        Trainer near = Trainer.with(new Fista(), Penalty.none()).epochs(5000).certify();
        if (name.equals("huber")) {
          trainer.loss(new Huber(1));
          near.loss(new Huber(1));
        }
        if (isOffset) {
          trainer.offset(offset);
        }
        Certificate found = trainer.fit(Dataset.of(x, y), BACKEND).certificate();
        double least = near.fit(Dataset.of(x, small), BACKEND).certificate().objective();
        assertTrue(found.gap() >= found.objective() - least, least + ": " + found);
        assertTrue(found.gap() < 1e-5, found.toString());
      }
    }
  }

  /** Curvatures that F32 does not have take the bound, and nothing else. */
  @Test
  void curvaturesBeyondF32() {
    try (TensorArena arena = TensorArena.open("overflow")) {
      Tensor x = arena.allocate("x", DType.F32, 40, 1);
      Tensor y = arena.allocate("y", DType.F32, 40);
      for (int i = 0; i < 40; i++) {
        x.set(i, 0, 45.0 * (i - 20) / 20);
        y.set(i, Math.rint(Math.exp(8 + 6.0 * (i - 20) / 20)));
      }
      Certificate found =
          Trainer.with(new Fista(), Penalty.none())
              .loss(new Poisson())
              .epochs(1)
              .certify()
              .fit(Dataset.of(x, y), BACKEND)
              .certificate();
      assertTrue(Double.isFinite(found.objective()), found.toString());
      assertEquals(Double.NaN, found.gap(), found.toString());
      assertTrue(found.basis().contains("curvature of the loss"), found.basis());
    }
  }
}
