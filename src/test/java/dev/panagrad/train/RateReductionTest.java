package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When a rate is lowered, and what that is for. */
class RateReductionTest {
  /**
   * torch 2.13, {@code ReduceLROnPlateau(SGD(lr=1), factor=0.5, patience=1, threshold=0.01,
   * eps=0)}.
   */
  @Test
  void asPyTorch() {
    double[] losses = {
      10, 9, 8.95, 8.93, 8.92, 8.9, 8, 8, 8, 8, 8, 7.93, 7.91, 7, 7.5, 7.2, 6.9, 6.86, 6.85, 6.84
    };
    double[] rates = {
      1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125, 0.0625,
      0.0625, 0.0625, 0.03125, 0.03125
    };
    RateReduction reduction = new RateReduction(0.5, 2, 0.01);
    Plateau plateau = new Plateau("rate-");
    double rate = 1;
    for (int epoch = 0; epoch < losses.length; epoch++) {
      rate *= reduction.isDue(plateau, losses[epoch]) ? reduction.factor() : 1;
      assertEquals(rates[epoch], rate, "epoch " + epoch);
    }
  }

  /** Batches at a constant rate end in a noise that is as large as the rate. */
  @Test
  void reachesWhatAConstantRateDoesNot() {
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      TrainingResult constant = fit(backend, trainer());
      TrainingResult lowered = fit(backend, trainer().reduceRate(0.5, 3, 1e-4));
      double rate = lowered.history().getLast().learningRate();
      assertTrue(rate < 0.01, "rate " + rate);
      // To two bits of what was asked for: factors of 2 are exact.
      assertEquals(
          Math.rint(Math.log(0.1 / rate) / Math.log(2)), Math.log(0.1 / rate) / Math.log(2), 1e-12);
      double exact = fit(backend, trainer().varianceReduced()).certificate().objective();
      double noise = constant.certificate().objective() - exact;
      double left = lowered.certificate().objective() - exact;
      assertTrue(left < 0.05 * noise, backend.name() + ": " + left + " of " + noise);
    }
    TestBackends.close(backends);
  }

  private static Trainer trainer() {
    return Trainer.with(Optimizer.of(Sgd.of(0.1))).batchSize(10).epochs(80).certify();
  }

  private static TrainingResult fit(Backend backend, Trainer trainer) {
    try (TensorArena arena = TensorArena.open("plateau")) {
      Dataset data = Datasets.plane(arena, DType.F64, 5, 200, 6, 1, 0.5);
      return trainer.standardizeInPlace().fit(data, backend);
    }
  }

  @Test
  void options() {
    Trainer trainer = trainer();
    for (double bad : new double[] {0, 1, 1.5, -1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> trainer.reduceRate(bad, 3, 0));
    }
    assertThrows(IllegalArgumentException.class, () -> trainer.reduceRate(0.5, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> trainer.reduceRate(0.5, 3, -1));
    assertThrows(IllegalArgumentException.class, () -> trainer.accumulate(0));
  }
}
