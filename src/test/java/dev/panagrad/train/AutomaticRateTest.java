package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rates from the data reach the minimum without a rate from the caller. */
class AutomaticRateTest {
  private static final List<UpdateRule> RULES =
      List.of(
          new GradientDescent(1),
          Sgd.of(1),
          Sgd.of(1).withMomentum(0.9),
          Sgd.of(1).withMomentum(0.9).withNesterov(),
          Adam.of(1),
          Adam.of(1).withAmsgrad(),
          RmsProp.of(1),
          RmsProp.of(1).withMomentum(0.9),
          Lion.of(1),
          NAdam.of(1),
          Adagrad.of(1));

  private static Dataset data(TensorArena arena, String name, String target) {
    return target.startsWith("condition")
        ? CorrelatedFeatures.withCondition(
            arena, 2000, 10, Double.parseDouble(target.substring("condition ".length())), 7)
        : Datasets.resource(arena, DType.F32, name, target);
  }

  @ParameterizedTest
  @CsvSource({
    "diabetes, progression, 100, 32",
    "randhie, mdvis, 20, 32",
    "synthetic, condition 10, 100, 32",
    "synthetic, condition 100, 400, 32"
  })
  void withinOnePercentOfTheExactLoss(String name, String target, long epochs, long batch) {
    for (UpdateRule rule : RULES) {
      try (Backend backend = Backends.open("simd", new BackendOptions(2));
          TensorArena arena = TensorArena.open(name)) {
        Dataset data = data(arena, name, target);
        double exact =
            ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), true, 0)
                .meanSquaredError()[0];
        Trainer trainer =
            Trainer.with(Optimizer.of(rule))
                .epochs(epochs)
                .standardizeInPlace()
                .automaticRate()
                .certify();
        if (!(rule instanceof GradientDescent)) {
          trainer.batchSize(batch);
        }
        TrainingResult result = trainer.fit(data, backend);
        String what =
            "%s %s: rate %s, loss %s, exact %s, %s"
                .formatted(
                    rule,
                    target,
                    result.learningRate(),
                    result.mse(),
                    exact,
                    result.certificate().message());
        assertTrue(result.mse() <= 1.01 * exact, what);
        assertEquals(epochs + 4, result.passes(), what);
        // F32 rounds the loss, and the bound is above the gap.
        double gap = result.mse() - exact;
        assertTrue(result.certificate().gap() >= gap - 1e-6 * exact, what);
        assertTrue(result.certificate().gap() <= 1.05 * gap + 1e-6 * exact, what);
      }
    }
  }

  /** The last step of an epoch is on one row, whose curvature is far above that of a batch. */
  @Test
  void aBatchOfOneRow() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("rest")) {
      Dataset data = Datasets.plane(arena, DType.F64, 3, 1025, 100, 1, 1);
      TrainingResult result =
          Trainer.with(Optimizer.of(Sgd.of(1)))
              .standardizeInPlace()
              .batchSize(1024)
              .epochs(500)
              .automaticRate()
              .fit(data, backend);
      assertTrue(result.r2() > 0.9, "R2 " + result.r2());
    }
  }

  @Test
  void conditionNumberIsThatOfTheData() {
    for (double condition : new double[] {3, 10, 100}) {
      try (Backend backend = Backends.open("simd", new BackendOptions(1));
          TensorArena arena = TensorArena.open("condition")) {
        Dataset data = CorrelatedFeatures.withCondition(arena, 20_000, 10, condition, 3);
        Certificate found =
            Trainer.with(Optimizer.of(new GradientDescent(1e-3)))
                .epochs(1)
                .standardizeInPlace()
                .certify()
                .fit(data, backend)
                .certificate();
        assertEquals(condition * condition, found.condition(), 0.1 * condition * condition);
        assertEquals(condition == 100, found.isIllConditioned() || found.condition() > 9e3);
      }
    }
  }

  /** More features than are formed: a rate from passes is that of the largest eigenvalue. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void rateFromPasses() {
    for (double l2 : new double[] {0, 50}) {
      try (Backend backend = Backends.open("simd", new BackendOptions(2));
          TensorArena arena = TensorArena.open("rate")) {
        Dataset data = CorrelatedFeatures.withCondition(arena, 1_000, 513, 20, 3);
        TrainingResult result =
            Trainer.with(Optimizer.of(new GradientDescent(1)).penalty(Penalty.l2(l2)))
                .epochs(1)
                .standardizeInPlace()
                .automaticRate()
                .fit(data, backend);
        double largest = 2 * largestEigenvalue(data.x()) + 2 * l2;
        assertEquals(1 / largest, result.learningRate(), 0.02 / largest);
        assertTrue(result.passes() < 20, "passes " + result.passes());
      }
    }
  }

  /** Of X^T X / n, by 100 turns of the power method. */
  private static double largestEigenvalue(Tensor x) {
    double[] v = new double[(int) x.cols()];
    Arrays.fill(v, 1);
    double length = 0;
    for (int turn = 0; turn < 100; turn++) {
      double[] next = new double[v.length];
      for (long i = 0; i < x.rows(); i++) {
        double product = 0;
        for (int f = 0; f < v.length; f++) {
          product += x.get(i, f) * v[f];
        }
        for (int f = 0; f < v.length; f++) {
          next[f] += product * x.get(i, f) / x.rows();
        }
      }
      length = Math.sqrt(Arrays.stream(next).map(value -> value * value).sum());
      for (int f = 0; f < v.length; f++) {
        v[f] = next[f] / length;
      }
    }
    return length;
  }

  @Test
  void noCurvatureNoRate() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("zeros")) {
      Dataset zeros =
          new Dataset(
              List.of("a", "b"),
              List.of("y"),
              arena.allocate("x", DType.F64, 5, 2),
              arena.allocate("y", DType.F64, 5, 1).fill(1));
      Trainer trainer =
          Trainer.with(Optimizer.of(new GradientDescent(1))).withoutIntercept().automaticRate();
      String message =
          assertThrows(IllegalArgumentException.class, () -> trainer.fit(zeros, backend))
              .getMessage();
      assertTrue(message.contains("all features are zero"), message);
    }
  }
}
