package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The classic example: y = 2x + 1 + N(0, 0.1), x in [-1, 1], 100 points, batch 32, rate 0.01, 1000
 * epochs, the loss printed every 100. Every optimizer ends at slope 2 and intercept 1, within the
 * noise.
 */
class ClassicExampleTest {
  private static final int POINTS = 100;
  private static final double NOISE = 0.1;

  private static final int BATCH = 32;
  private static final double RATE = 0.01;
  private static final double X_VARIANCE = 1 / 3.0;

  /**
   * Standard deviation of what an optimizer at a constant rate ends at, for a coefficient whose
   * column has that mean square: that of the least-squares estimate, noise^2 / (n v), and that of
   * the walk around it. Where steps are divided by the root mean square s = 2 noise sqrt(v / batch)
   * of the gradient and the curvature is 2 v, the error follows e' = e (1 - rate 2v / s) + rate z
   * with z of variance 1, whose stationary variance is rate s / (4 v).
   */
  private static double deviation(double v) {
    double estimate = NOISE * NOISE / (POINTS * v);
    double walk = RATE * 2 * NOISE * Math.sqrt(v / BATCH) / (4 * v);
    return Math.sqrt(estimate + walk);
  }

  @Test
  void everyOptimizerFindsTheLine() {
    List<UpdateRule> rules =
        List.of(new GradientDescent(RATE), Sgd.of(RATE), Adam.of(RATE), RmsProp.of(RATE));
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      for (UpdateRule rule : rules) {
        try (TensorArena arena = TensorArena.open("classic example")) {
          Random random = new Random(42);
          Tensor x = arena.allocate("x", DType.F32, POINTS, 1);
          Tensor y = arena.allocate("y", DType.F32, POINTS);
          for (int i = 0; i < POINTS; i++) {
            x.set(i, 2 * random.nextDouble() - 1);
            y.set(i, 2 * x.get(i) + 1 + NOISE * random.nextGaussian());
          }
          List<String> printed = new ArrayList<>();
          Trainer trainer =
              Trainer.with(Optimizer.of(rule))
                  .epochs(1000)
                  .listener(
                      record -> {
                        if (record.epoch() % 100 == 0) {
                          printed.add(
                              "epoch %d, loss %.5f".formatted(record.epoch(), record.loss()));
                        }
                        return true;
                      });
          if (!(rule instanceof GradientDescent)) {
            trainer.batchSize(BATCH);
          }
          TrainingResult result = trainer.fit(Dataset.of(x, y), backend);
          String what = rule.name() + " on " + backend.name() + ": " + printed;
          assertEquals(10, printed.size(), what);
          assertEquals(2, result.model().coefficient(0, 0), 4 * deviation(X_VARIANCE), what);
          assertEquals(1, result.model().intercept(0), 4 * deviation(1), what);
          assertEquals(NOISE * NOISE, result.mse(), 0.5 * NOISE * NOISE, what);
          assertEquals(rule instanceof GradientDescent ? 1000 : 4000, result.steps(), what);
        }
      }
    }
    TestBackends.close(backends);
  }
}
