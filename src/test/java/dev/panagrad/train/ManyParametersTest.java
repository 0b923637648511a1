package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Linear models with very many parameters, trained from their first step to a saved state: nothing
 * is copied in a step, and the loss falls as it should.
 */
@Tag("first")
class ManyParametersTest {
  @TempDir private Path folder;

  /** A model in training, of sparse rows in dense memory. */
  private static final class Model implements AutoCloseable {
    final Backend backend = Backends.open("simd", BackendOptions.defaults());
    final TensorArena arena = TensorArena.open("many parameters");
    final LinearRegression regression;
    final Optimizer optimizer;
    final Tensor x;
    final Tensor y;

    Model(UpdateRule rule, long features, int outputs, int rows) {
      regression = new LinearRegression(backend, arena, DType.F32, features, outputs, true);
      optimizer =
          Optimizer.of(rule)
              .schedule(Schedule.cosine(60, 0))
              .build(regression.parameters(), backend, arena);
      x = arena.allocate("x", DType.F32, rows, features);
      y = arena.allocate("y", DType.F32, rows, outputs);
      SplittableRandom random = new SplittableRandom(1);
      for (int i = 0; i < rows; i++) {
        // A thousand features of each row are not zero, some at either end.
        for (int k = 0; k < 1000; k++) {
          long f =
              switch (k) {
                case 0 -> 0;
                case 1 -> features - 1;
                default -> random.nextLong(features);
              };
          x.set(i, f, random.nextGaussian());
        }
        for (int j = 0; j < outputs; j++) {
          y.set(i, j, 3 * x.get(i, features - 1) - 2 * x.get(i, 0) + j);
        }
      }
    }

    /** One step on a batch; the mean loss before it. */
    double step(long first, long count) {
      regression.computeGradient(new Batch(x, y), first, count);
      double sum = 0;
      for (long j = 0; j < regression.loss().count(); j++) {
        sum += regression.loss().get(j);
      }
      optimizer.step(regression.gradient());
      return sum / regression.loss().count();
    }

    double lossOf(int rows) {
      regression.computeGradient(new Batch(x, y), 0, rows);
      double sum = 0;
      for (long j = 0; j < regression.loss().count(); j++) {
        sum += regression.loss().get(j);
      }
      return sum / regression.loss().count();
    }

    @Override
    public void close() {
      arena.close();
      backend.close();
    }
  }

  private void train(long features, int outputs, int rows, int steps) throws IOException {
    Path file = folder.resolve("many.safetensors");
    try (Model model = new Model(Adam.of(0.05), features, outputs, rows)) {
      double before = model.lossOf(rows);
      StepTrace trace = model.backend.trace();
      long copies = trace.copies();
      long copied = trace.copiedBytes();
      int batch = rows / 2;
      for (int step = 0; step < steps; step++) {
        model.step(step % 2 * (long) batch, batch);
      }
      assertEquals(copies, trace.copies(), "copies in steps");
      assertEquals(copied, trace.copiedBytes());
      double after = model.lossOf(rows);
      assertTrue(after < 0.1 * before, before + " to " + after);
      Checkpoint.save(model.optimizer, file);
      Tensor weights = model.regression.weights();
      double last = weights.get(0, features - 1);
      weights.set(0, features - 1, 0);
      Checkpoint.restore(model.optimizer, file);
      assertEquals(last, weights.get(0, features - 1));
      assertEquals(steps, model.optimizer.steps());
    }
  }

  @Test
  void tenThousandFeatures() throws IOException {
    train(10_000, 3, 8, 60);
  }

  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void millionFeaturesSeveralOutputs() throws IOException {
    train(1_000_000, 8, 64, 60);
  }

  /** F32 and Adam: parameters, gradient and state are 1.6 GB, the rows as much again. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void hundredMillionParameters() throws IOException {
    train(100_000_000, 1, 4, 60);
  }
}
