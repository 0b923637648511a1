package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The same training with state in each format reaches the same loss: within 0.1% of F32's, with a
 * rate that decays.
 */
class StateFormatTest {
  private static final double TOLERANCE = 1e-3;

  private static final List<UpdateRule> RULES =
      List.of(
          Sgd.of(0.01).withMomentum(0.9),
          Sgd.of(0.01).withMomentum(0.9).withNesterov(),
          Adam.of(0.02),
          Adam.adamW(0.02),
          Adam.of(0.02).withAmsgrad(),
          RmsProp.of(0.02),
          RmsProp.of(0.002).withMomentum(0.9));

  private static List<StateFormat> accepted(UpdateRule rule) {
    return Arrays.stream(StateFormat.values())
        .filter(f -> rule.unsupportedReason(f).isEmpty())
        .toList();
  }

  private static void compare(String what, Map<StateFormat, Double> losses) {
    double expected = losses.get(StateFormat.SAME);
    for (StateFormat format : losses.keySet()) {
      double loss = losses.get(format);
      String report =
          "%s %s: loss %.9g, in F32 %.9g, %+.4f%%"
              .formatted(what, format, loss, expected, 100 * (loss / expected - 1));
      assertEquals(expected, loss, TOLERANCE * expected, report);
    }
  }

  @ParameterizedTest
  @CsvSource({"diabetes, progression, 60, 32", "randhie, mdvis, 4, 128"})
  void realData(String name, String target, long epochs, long batch) {
    for (UpdateRule rule : RULES) {
      Map<StateFormat, Double> losses = new EnumMap<>(StateFormat.class);
      for (StateFormat format : accepted(rule)) {
        try (Backend backend = Backends.open("simd", new BackendOptions(1));
            TensorArena arena = TensorArena.open(name)) {
          Dataset data = Datasets.resource(arena, DType.F32, name, target);
          long steps = epochs * Math.ceilDiv(data.rows(), batch);
          Optimizer.Builder optimizer =
              Optimizer.of(rule).state(format).schedule(Schedule.cosine(steps, 0));
          losses.put(
              format,
              Trainer.with(optimizer)
                  .epochs(epochs)
                  .batchSize(batch)
                  .standardizeInPlace()
                  .fit(data, backend)
                  .mse());
        }
      }
      compare(name + " " + rule, losses);
    }
  }

  /**
   * A million features, each with a weight, and 48 rows: what the rows do not tell is left to a
   * penalty, so that the loss has a minimum above 0.
   */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void aMillionFeatures() {
    int rows = 48;
    long features = 1_000_000;
    try (TensorArena arena = TensorArena.open("wide");
        Backend backend = Backends.open("simd", BackendOptions.defaults())) {
      SplittableRandom random = new SplittableRandom(7);
      Tensor x = arena.allocate("X", DType.F32, rows, features);
      Tensor y = arena.allocate("y", DType.F32, rows);
      for (long i = 0; i < rows; i++) {
        double sum = random.nextGaussian();
        for (long j = 0; j < features; j++) {
          double value = random.nextGaussian();
          x.set(i, j, value);
          sum += j % 1000 == 0 ? 0.1 * value : 0;
        }
        y.set(i, sum);
      }
      long epochs = 40;
      for (UpdateRule rule :
          List.of(Sgd.of(2e-7).withMomentum(0.9), Adam.of(2e-6), RmsProp.of(2e-6))) {
        Map<StateFormat, Double> losses = new EnumMap<>(StateFormat.class);
        for (StateFormat format : StateFormat.values()) {
          Optimizer.Builder optimizer =
              Optimizer.of(rule)
                  .state(format)
                  .penalty(new Penalty(0, 1e4))
                  .schedule(Schedule.cosine(epochs * 3, 0));
          losses.put(
              format,
              Trainer.with(optimizer)
                  .epochs(epochs)
                  .batchSize(16)
                  .fit(Dataset.of(x, y), backend)
                  .mse());
        }
        compare("wide " + rule, losses);
      }
    }
  }
}
