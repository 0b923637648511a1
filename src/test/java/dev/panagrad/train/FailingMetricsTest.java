package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Metrics;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Sgd;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * A caller's loss whose measures fail: the model is there, and the result says why they are not.
 */
class FailingMetricsTest {
  /** The squared error with measures of its own. */
  private record OwnMeasures(Consumer<Metrics> measures) implements Loss {
    @Override
    public String name() {
      return "own";
    }

    @Override
    public double differentiate(double[] z, double[] y, double[] s, int count) {
      return new Squared().differentiate(z, y, s, count);
    }

    @Override
    public double curvature() {
      return 2;
    }

    @Override
    public void describeFit(Metrics metrics) {
      measures.accept(metrics);
    }
  }

  private static TrainingResult fit(Consumer<Metrics> measures) {
    try (Backend backend = TestBackends.mirrored("simd", 1);
        TensorArena arena = TensorArena.open("failing metrics")) {
      Dataset data = Datasets.plane(arena, DType.F64, 3, 30, 2, 1, 0.5);
      TrainingResult result =
          Trainer.with(Optimizer.of(Sgd.of(0.1)))
              .loss(new OwnMeasures(measures))
              .epochs(3)
              .fit(data, backend);
      assertTrue(Double.isFinite(result.model().coefficient(0, 0)));
      return result;
    }
  }

  private static double broken() {
    throw new IllegalStateException("broken");
  }

  @Test
  void measureOfARow() {
    TrainingResult result =
        fit(metrics -> metrics.mean("bad", (z, y) -> broken()).mean("one", (z, y) -> 1));
    assertEquals(Double.NaN, result.metrics().get("bad"));
    assertEquals(1, result.metrics().get("one"), 1e-15);
    assertEquals("{bad=broken}", result.metricNotes().toString());
  }

  @Test
  void memoryThatIsNotThere() {
    TrainingResult result =
        fit(
            metrics ->
                metrics
                    .mean("one", (z, y) -> 1)
                    .mean(
                        "bad",
                        (z, y) -> {
                          throw new OutOfMemoryError("no memory");
                        }));
    assertEquals(Double.NaN, result.metrics().get("bad"));
    assertEquals(1, result.metrics().get("one"), 1e-15);
    assertEquals("{bad=no memory}", result.metricNotes().toString());
  }

  @Test
  void descriptionOfTheFit() {
    TrainingResult result =
        fit(
            metrics -> {
              metrics.mean("one", (z, y) -> 1);
              broken();
            });
    assertEquals(Double.NaN, result.metrics().get("one"));
    assertTrue(result.metricNotes().get("one").contains("broken"));
    assertTrue(result.metricNotes().get("metrics").contains("broken"));
  }
}
