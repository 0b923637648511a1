package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Poisson;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Methods that look at all rows in every step, as trainings. */
class SolverTrainingTest {
  private static final List<Solver> SOLVERS =
      List.of(new Fista(), new Lbfgs(), new ConjugateGradient());
  private static final double GAP = 1e-6;

  private static TrainingResult train(
      Trainer trainer, DType dtype, boolean isReal, Backend backend) {
    try (TensorArena arena = TensorArena.open("solvers")) {
      Dataset data =
          isReal
              ? Datasets.resource(arena, dtype, "diabetes", "progression")
              : CorrelatedFeatures.withCondition(arena, 2000, 10, 100, 7);
      double exact =
          ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), true, 0)
              .meanSquaredError()[0];
      TrainingResult result =
          trainer
              .standardizeInPlace()
              .listener(epoch -> epoch.loss() > (1 + GAP) * exact)
              .fit(data, backend);
      // What the listener saw is what there is; F32 sees it but for rounding.
      boolean isThere = result.mse() <= (1 + 2 * GAP) * exact;
      boolean wasSeen = result.stopReason() != StopReason.EPOCHS;
      assertEquals(isThere, wasSeen, result.mse() + " " + exact);
      return result;
    }
  }

  @Test
  void aFifthOfThePassesOfDescent() {
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      if (TestBackends.isTooSlow(backend)) {
        continue;
      }
      for (boolean isReal : new boolean[] {true, false}) {
        for (Solver solver : SOLVERS) {
          TrainingResult fast =
              train(Trainer.with(solver, Penalty.none()).epochs(2000), DType.F64, isReal, backend);
          String what = "%s on %s: %d".formatted(solver, backend.name(), fast.passes());
          assertEquals(StopReason.LISTENER, fast.stopReason(), what);
          TrainingResult slow =
              train(
                  Trainer.with(Optimizer.of(new GradientDescent(1)))
                      .automaticRate()
                      .epochs(5 * fast.passes()),
                  DType.F64,
                  isReal,
                  backend);
          assertEquals(StopReason.EPOCHS, slow.stopReason(), what);
        }
      }
    }
    TestBackends.close(backends);
  }

  /** Runs that are left alone end by themselves, next to the minimum, in either type. */
  @Test
  void theyEnd() {
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (Solver solver : SOLVERS) {
          for (Penalty penalty : List.of(Penalty.none(), Penalty.l2(0.1), Penalty.l1(0.5))) {
            if (penalty.l1() > 0 && !solver.acceptsL1()) {
              continue;
            }
            try (TensorArena arena = TensorArena.open("end")) {
              Dataset data = Datasets.plane(arena, dtype, 3, 300, 8, 3, 0.5);
              TrainingResult result =
                  Trainer.with(solver, penalty).epochs(5000).certify().fit(data, backend);
              String what = "%s %s %s: %s".formatted(solver, dtype, penalty, result);
              assertTrue(result.epochs() < 500, what);
              assertTrue(
                  result.stopReason() == StopReason.CONVERGED
                      || result.stopReason() == StopReason.ROUNDING,
                  what);
              double objective = result.certificate().objective();
              double rounding = dtype == DType.F32 ? 1e-6 : 1e-12;
              assertTrue(result.certificate().gap() <= rounding * objective, what);
            }
          }
        }
      }
    }
    TestBackends.close(backends);
  }

  /** Held-out rows are looked at with the parameters, and not with a probe of the method. */
  @Test
  void heldOutRows() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1))) {
      for (Solver solver : SOLVERS) {
        try (TensorArena arena = TensorArena.open("held out")) {
          Dataset data = Datasets.plane(arena, DType.F64, 3, 300, 8, 1, 0.5);
          Trainer trainer = Trainer.with(solver, Penalty.none()).validation(0.2).epochs(200);
          TrainingResult result = trainer.fit(data, backend);
          assertEquals(StopReason.CONVERGED, result.stopReason());
          double last = result.history().getLast().validationLoss();
          assertEquals(result.validationMse(), last, 1e-9 * last, solver.name());
          for (EpochRecord record : result.history()) {
            // A probe is as long as the parameters: its loss would be several times the first.
            double first = result.history().getFirst().validationLoss();
            assertTrue(record.validationLoss() <= 1.05 * first, solver + " " + record);
          }
        }
      }
    }
  }

  /** Values near the minimum differ by less than F32 rounds them: that is not curvature. */
  @Test
  void backtrackingInF32() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("poisson")) {
      Dataset data = Datasets.plane(arena, DType.F32, 3, 2000, 5, 1, 0.5);
      for (long i = 0; i < 2000; i++) {
        data.y().set(i, Math.rint(Math.exp(Math.clamp(data.y().get(i), -2, 2))));
      }
      TrainingResult result =
          Trainer.with(new Fista(), Penalty.none())
              .loss(new Poisson())
              .epochs(500)
              .certify()
              .fit(data, backend);
      assertEquals(StopReason.CONVERGED, result.stopReason());
      assertTrue(result.passes() < 200, "passes " + result.passes());
    }
  }

  /** Of targets of any size: nothing is lost beside them. */
  @Test
  void largeTargets() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("large")) {
      Dataset data = Datasets.plane(arena, DType.F32, 3, 300, 8, 1, 0.5);
      double mse = Trainer.with(new ConjugateGradient(), Penalty.none()).fit(data, backend).mse();
      for (long i = 0; i < 300; i++) {
        data.y().set(i, 1e8 * data.y().get(i));
      }
      double large = Trainer.with(new ConjugateGradient(), Penalty.none()).fit(data, backend).mse();
      assertEquals(1e16 * mse, large, 1e13 * mse);
    }
  }

  @Test
  void refusals() {
    List<Backend> backends = TestBackends.open(1);
    try (TensorArena arena = TensorArena.open("refusals")) {
      Dataset data = Datasets.plane(arena, DType.F64, 3, 30, 2, 1, 0.5);
      Backend backend = backends.getFirst();
      refused("fista, or no L1", Trainer.with(new Lbfgs(), Penalty.l1(1)), data, backend);
      refused(
          "full batches, found batch size 5",
          Trainer.with(new Fista(), Penalty.none()).batchSize(5),
          data,
          backend);
      refused(
          "no Gram mode",
          Trainer.with(new ConjugateGradient(), Penalty.none()).gram(),
          data,
          backend);
      refused(
          "no learning rate that could be lowered",
          Trainer.with(new Lbfgs(), Penalty.none()).reduceRate(0.5, 3, 0),
          data,
          backend);
      refused(
          "no learning rate",
          Trainer.with(new ConjugateGradient(), Penalty.none()).automaticRate(),
          data,
          backend);
    }
    TestBackends.close(backends);
  }

  private static void refused(String words, Trainer trainer, Dataset data, Backend backend) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> trainer.fit(data, backend)).getMessage();
    assertTrue(message.contains(words), message);
  }
}
