package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Metrics;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A model that is finished is not lost to a measure of it that fails. */
class MetricFailureTest {
  /** Half the squared error, with measures of fit of its own. */
  private record Halved(Consumer<Metrics> measures) implements Loss {
    @Override
    public String name() {
      return "halved";
    }

    @Override
    public double differentiate(double[] z, double[] y, double[] s, int count) {
      double sum = 0;
      for (int i = 0; i < count; i++) {
        double r = z[i] - y[i];
        sum += s[i] * r * r / 2;
        z[i] = s[i] * r;
      }
      return sum;
    }

    @Override
    public double mean(double z) {
      return z;
    }

    @Override
    public double curvature() {
      return 1;
    }

    @Override
    public void describeFit(Metrics metrics) {
      measures.accept(metrics);
    }
  }

  private static TrainingResult fit(Consumer<Metrics> measures) {
    try (Backend backend = Backends.open("scalar", BackendOptions.defaults());
        TensorArena arena = TensorArena.open("halved")) {
      Tensor x = arena.allocate("x", DType.F64, 4, 1).copyFrom(1, 2, 3, 4);
      Tensor y = arena.allocate("y", DType.F64, 4).copyFrom(2, 4, 6, 8);
      return Trainer.with(Optimizer.of(Sgd.of(0.1)))
          .loss(new Halved(measures))
          .epochs(5000)
          .fit(Dataset.of(x, y), backend);
    }
  }

  private static void assertNoted(TrainingResult result, String metric, String reason) {
    assertEquals(2, result.model().coefficient(0, 0), 1e-3);
    assertTrue(Double.isNaN(result.metrics().get(metric)), result.metrics()::toString);
    assertTrue(result.metricNotes().get(metric).contains(reason), result.metricNotes()::toString);
  }

  @Test
  void ofARow() {
    TrainingResult result =
        fit(
            metrics ->
                metrics
                    .mean("bias", (z, y) -> z - y)
                    .mean(
                        "broken",
                        (z, y) -> {
                          throw new IllegalStateException("no such row");
                        }));
    assertNoted(result, "broken", "no such row");
    assertEquals(0, result.metrics().get("bias"), 1e-3);
  }

  @Test
  void beforeTheFirstRow() {
    TrainingResult result =
        fit(
            metrics -> {
              throw new UnsupportedOperationException("nothing to measure");
            });
    assertNoted(result, "metrics", "nothing to measure");
  }
}
