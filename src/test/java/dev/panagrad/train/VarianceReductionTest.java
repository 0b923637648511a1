package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Logistic;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Sgd;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Batches whose noise vanishes at the minimum converge at a constant rate; others do not. */
class VarianceReductionTest {
  private static final int ROWS = 200;

  private static TrainingResult fit(Backend backend, Trainer trainer, boolean isLogistic) {
    try (TensorArena arena = TensorArena.open("variance")) {
      Dataset data = Datasets.plane(arena, DType.F64, 5, ROWS, 6, 1, 0.5);
      if (isLogistic) {
        trainer.loss(new Logistic());
        for (long i = 0; i < ROWS; i++) {
          data.y().set(i, data.y().get(i) > 0.3 ? 1 : 0);
        }
      }
      return trainer.certify().fit(data, backend);
    }
  }

  private static Trainer sgd(double rate, int epochs) {
    return Trainer.with(Optimizer.of(Sgd.of(rate)).penalty(Penalty.l2(0.01)))
        .standardizeInPlace()
        .batchSize(10)
        .epochs(epochs);
  }

  /** The gap to the minimum falls by the same factor in every ten epochs, down to rounding. */
  @Test
  void linearConvergence() {
    List<Backend> backends = TestBackends.open(2);
    for (Backend backend : backends) {
      for (boolean isLogistic : new boolean[] {false, true}) {
        if (isLogistic && !backend.linear().supportsWeights()) {
          continue;
        }
        double rate = isLogistic ? 0.5 : 0.05;
        double exact =
            fit(
                    backend,
                    Trainer.with(new Lbfgs(), Penalty.l2(0.01)).standardizeInPlace().epochs(500),
                    isLogistic)
                .certificate()
                .objective();
        List<Double> gaps = new ArrayList<>();
        for (int epochs = 10; epochs <= 50; epochs += 10) {
          TrainingResult reduced = fit(backend, sgd(rate, epochs).varianceReduced(), isLogistic);
          gaps.add(reduced.certificate().objective() - exact);
          // Its own passes, and those of the certificate.
          assertTrue(reduced.passes() >= 3L * epochs && reduced.passes() <= 3L * epochs + 5);
        }
        double plain = fit(backend, sgd(rate, 50), isLogistic).certificate().objective() - exact;
        String what = backend.name() + ": " + gaps + ", plain " + plain;
        for (int i = 1; i < gaps.size(); i++) {
          assertTrue(gaps.get(i) < 0.1 * gaps.get(i - 1) || gaps.get(i) < 1e-12 * exact, what);
        }
        assertTrue(gaps.getLast() < 1e-9 * exact, what);
        assertTrue(plain > 1e4 * gaps.getLast(), what);
      }
    }
    TestBackends.close(backends);
  }

  /** With the rate that is known from the curvature, and kept. */
  @Test
  void automaticRate() {
    try (Backend backend = TestBackends.mirrored("simd", 1)) {
      TrainingResult result = fit(backend, sgd(1, 60).varianceReduced().automaticRate(), false);
      assertEquals(result.learningRate(), result.history().getLast().learningRate());
      assertTrue(result.certificate().gap() < 1e-9, result.certificate().message());
    }
  }

  @Test
  void batchesOfAllRows() {
    try (Backend backend = TestBackends.mirrored("simd", 1)) {
      for (Trainer trainer :
          List.of(
              sgd(0.1, 1).fullBatch().varianceReduced(),
              sgd(0.1, 1).batchSize(ROWS).accumulate(2))) {
        Exception e =
            assertThrows(IllegalArgumentException.class, () -> fit(backend, trainer, false));
        assertTrue(e.getMessage().contains("use smaller ones"), e.getMessage());
      }
    }
  }

  /** Three batches for one step are one that is three times as large, to rounding. */
  @Test
  void accumulated() {
    List<Backend> backends = TestBackends.open(2);
    for (Backend backend : backends) {
      TrainingResult parts = fit(backend, sgd(0.1, 5).batchSize(7).accumulate(3), false);
      TrainingResult whole = fit(backend, sgd(0.1, 5).batchSize(21), false);
      assertEquals(whole.steps(), parts.steps());
      for (int f = 0; f < 6; f++) {
        double expected = whole.model().coefficient(0, f);
        assertEquals(expected, parts.model().coefficient(0, f), 1e-12 * Math.abs(expected) + 1e-14);
      }
    }
    TestBackends.close(backends);
  }
}
