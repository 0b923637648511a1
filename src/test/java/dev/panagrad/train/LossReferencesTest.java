package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Adam;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Trainings of every loss against answers that were computed elsewhere and checked against
 * scikit-learn and statsmodels: see references/README.md.
 */
class LossReferencesTest {
  private static JsonNode references(String name) throws IOException {
    try (InputStream in =
        LossReferencesTest.class.getResourceAsStream("/references/" + name + ".json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  private static Loss loss(String name, JsonNode reference) {
    return switch (name) {
      case "squared" -> new Squared();
      case "huber" -> new Huber(reference.get("delta").asDouble());
      case "logistic" -> new Logistic();
      case "poisson" -> new Poisson();
      default -> new Quantile(reference.get("tau").asDouble());
    };
  }

  private static Dataset data(TensorArena arena, JsonNode file, JsonNode reference) {
    String name = file.get("data").asText().replace(".csv", "");
    String target = name.equals("diabetes") ? "progression" : "mdvis";
    Dataset data = Datasets.resource(arena, DType.F64, name, target);
    assertEquals(file.get("rows").asLong(), data.rows());
    for (int f = 0; f < data.features().size(); f++) {
      assertEquals(file.get("columns").get(f).asText(), data.features().get(f));
    }
    if (reference.has("above")) {
      for (long i = 0; i < data.rows(); i++) {
        data.y().set(i, data.y().get(i) > reference.get("above").asDouble() ? 1 : 0);
      }
    }
    if (isStandardizedBefore(reference)) {
      Standardization.of(
              doubles(file.get("mean")), doubles(file.get("std")), new double[1], new double[] {1})
          .applyInPlace(data.x(), data.y());
    }
    return data;
  }

  /** The references' penalties are on units of all rows alike, a training's on weighted ones. */
  private static boolean isStandardizedBefore(JsonNode reference) {
    boolean isPenalized = reference.get("l1").asDouble() + reference.get("l2").asDouble() > 0;
    return isPenalized
        && !(reference.get("weights").isNull()
            && reference.path("class_weights").path("1").asDouble(1) == 1);
  }

  private static double[] doubles(JsonNode array) {
    return new ObjectMapper().convertValue(array, double[].class);
  }

  private static Tensor rows(TensorArena arena, Dataset data, JsonNode rule) {
    Tensor values = arena.allocate(rule.asText(), DType.F64, data.rows());
    for (long i = 0; i < data.rows(); i++) {
      double value =
          switch (rule.asText()) {
            case "1 + (i mod 3)" -> 1 + i % 3;
            case "i mod 3" -> i % 3;
            case "0.1 * (i mod 5)" -> 0.1 * (i % 5);
            case "0.25 * (i mod 5)" -> 0.25 * (i % 5);
            case "10 * (i mod 5)" -> 10 * (i % 5);
            case "20 * (i mod 3)" -> 20 * (i % 3);
            default -> throw new AssertionError("unknown rule " + rule);
          };
      values.set(i, value);
    }
    return values;
  }

  private static Trainer trainer(
      Trainer trainer, String name, JsonNode reference, TensorArena arena, Dataset data) {
    trainer.loss(loss(name, reference)).certify();
    if (!isStandardizedBefore(reference)) {
      trainer.standardizeInPlace();
    }
    if (!reference.get("weights").isNull()) {
      trainer.weights(rows(arena, data, reference.get("weights")));
    }
    if (!reference.get("offset").isNull()) {
      trainer.offset(rows(arena, data, reference.get("offset")));
    }
    JsonNode classes = reference.get("class_weights");
    if (reference.get("name").asText().startsWith("balanced")
        || reference.get("name").asText().endsWith("balanced by weight")) {
      trainer.balancedClasses();
    } else if (!classes.isNull()) {
      trainer.classWeights(classes.get("0").asDouble(), classes.get("1").asDouble());
    }
    return trainer;
  }

  /**
   * An objective that is right to 1e-9 of itself leaves the coefficients, along the direction of
   * least curvature, what the square root of that moves them; methods of the second order end far
   * nearer than they must.
   */
  private static void compare(
      String what, Solver solver, JsonNode file, JsonNode reference, TrainingResult found) {
    double tolerance = solver instanceof Fista ? 5e-5 : 2e-6;
    double intercept = found.model().intercept(0);
    for (int f = 0; f < file.get("mean").size(); f++) {
      double raw = found.model().coefficient(0, f);
      double expected = reference.get("coefficients").get(f).asDouble();
      double scale = Math.max(1e-3, Math.abs(reference.get("coefficients").get(0).asDouble()));
      boolean isRaw = !isStandardizedBefore(reference);
      double std = isRaw ? file.get("std").get(f).asDouble() : 1;
      assertEquals(expected, raw * std, tolerance * (1 + scale), what);
      intercept += raw * (isRaw ? file.get("mean").get(f).asDouble() : 0);
    }
    double expected = reference.get("intercept").asDouble();
    assertEquals(expected, intercept, tolerance * (1 + Math.abs(expected)), what);
  }

  private static void metrics(String what, JsonNode reference, Map<String, Double> found) {
    JsonNode all = reference.get("metrics");
    JsonNode metrics = all.has("weighted") ? all.get("weighted") : all.get("unweighted");
    Map<String, String> names =
        Map.of(
            "R2",
            "r2",
            "accuracy",
            "accuracy",
            "log loss",
            "log_loss",
            "AUC",
            "auc",
            "deviance",
            "deviance",
            "D2",
            "d2",
            "MAE",
            "mae",
            "pinball loss",
            "pinball");
    int compared = 0;
    for (Map.Entry<String, Double> metric : found.entrySet()) {
      String name = names.get(metric.getKey());
      if (name != null && metrics.has(name)) {
        double expected = metrics.get(name).asDouble();
        assertEquals(expected, metric.getValue(), 1e-5 * (1 + Math.abs(expected)), what + name);
        compared++;
      }
    }
    assertTrue(compared > 0, what + " has no metric");
  }

  @ParameterizedTest
  @ValueSource(strings = {"squared", "huber", "logistic", "poisson"})
  void smoothLosses(String name) throws IOException {
    JsonNode file = references(name);
    List<Backend> all = TestBackends.host(2);
    for (Backend backend : all) {
      if (!backend.linear().supportsWeights()
          || (backend.name().equals("scalar") && name.equals("poisson"))) {
        continue;
      }
      for (JsonNode reference : file.get("cases")) {
        Penalty penalty =
            new Penalty(reference.get("l1").asDouble(), reference.get("l2").asDouble());
        List<Solver> solvers = new ArrayList<>(List.of(new Fista()));
        if (penalty.l1() == 0) {
          solvers.add(new Lbfgs());
        }
        if (penalty.l1() == 0 && name.equals("squared")) {
          solvers.add(new ConjugateGradient());
        }
        for (Solver solver : solvers) {
          try (TensorArena arena = TensorArena.open(name)) {
            Dataset data = data(arena, file, reference);
            Trainer trainer = Trainer.with(solver, penalty).epochs(5_000);
            TrainingResult result =
                trainer(trainer, name, reference, arena, data).fit(data, backend);
            String what =
                "%s %s by %s on %s: "
                    .formatted(name, reference.get("name"), solver, backend.name());
            double expected = reference.get("objective").asDouble();
            assertEquals(
                expected, result.certificate().objective(), 1e-9 * (1 + Math.abs(expected)), what);
            compare(what, solver, file, reference, result);
            if (!reference.get("name").asText().contains("weights and class")) {
              metrics(what, reference, result.metrics());
            }
          }
        }
      }
    }
    TestBackends.close(all);
  }

  /** By subgradients, which come near and no nearer. */
  @Test
  void quantiles() throws IOException {
    JsonNode file = references("quantile");
    for (JsonNode reference : file.get("cases")) {
      if (reference.get("l1").asDouble() > 0) {
        continue; // the threshold of a step is not small beside its subgradients
      }
      try (Backend backend = TestBackends.mirrored("simd", 2);
          TensorArena arena = TensorArena.open("quantile")) {
        Dataset data = data(arena, file, reference);
        Penalty penalty = Penalty.l2(reference.get("l2").asDouble());
        Trainer trainer =
            Trainer.with(
                    Optimizer.of(Adam.of(2)).penalty(penalty).schedule(Schedule.cosine(5_000, 0)))
                .epochs(5_000);
        TrainingResult result =
            trainer(trainer, "quantile", reference, arena, data).fit(data, backend);
        double expected = reference.get("objective").asDouble();
        assertEquals(
            expected,
            result.certificate().objective(),
            2e-3 * expected,
            reference.get("name").asText());
        metricsOfQuantile(reference, result);
      }
    }
  }

  private static void metricsOfQuantile(JsonNode reference, TrainingResult result) {
    double tau = reference.get("tau").asDouble();
    assertEquals(tau, result.metrics().get("share below"), 0.04, "the loss is this for that");
  }

  /** No minimum: the loss goes on falling, and the parameters grow; nothing breaks. */
  @Test
  void separableClasses() throws IOException {
    for (JsonNode tiny : references("logistic").get("without_finite_optimum")) {
      double[][] x = new ObjectMapper().convertValue(tiny.get("x"), double[][].class);
      double[] y = new ObjectMapper().convertValue(tiny.get("y"), double[].class);
      double[][] column = new double[y.length][1];
      for (int i = 0; i < y.length; i++) {
        column[i][0] = y[i];
      }
      try (Backend backend = TestBackends.mirrored("simd", 1);
          TensorArena arena = TensorArena.open("separable")) {
        Dataset data = Datasets.of(arena, DType.F64, x, column);
        double before = Double.POSITIVE_INFINITY;
        for (int epochs : new int[] {5, 50, 500}) {
          TrainingResult result =
              Trainer.with(new Lbfgs(), Penalty.none())
                  .loss(new Logistic())
                  .epochs(epochs)
                  .fit(data, backend);
          assertTrue(result.loss() <= before, tiny.get("name").asText());
          assertTrue(Double.isFinite(result.model().coefficient(0, 0)));
          before = result.loss();
        }
        TrainingResult held =
            Trainer.with(new Lbfgs(), Penalty.l2(0.1))
                .loss(new Logistic())
                .epochs(500)
                .fit(data, backend);
        assertEquals(StopReason.CONVERGED, held.stopReason());
      }
    }
  }

  @Test
  void refusals() {
    try (Backend backend = TestBackends.mirrored("simd", 1);
        TensorArena arena = TensorArena.open("refusals")) {
      Dataset data = Datasets.plane(arena, DType.F64, 3, 30, 2, 1, 0.5);
      Tensor weights = arena.allocate("weights", DType.F64, 30).fill(1);
      refused("0 or 1", trainer().loss(new Logistic()), data, backend);
      refused("Gram mode", trainer().loss(new Huber(1)).gram(), data, backend);
      refused("class weights", trainer().classWeights(1, 2), data, backend);
      refused("no learning rate", trainer().loss(new Quantile(0.5)).automaticRate(), data, backend);
      weights.set(4, -1);
      refused("row 5", trainer().weights(weights), data, backend);
      weights.fill(0);
      refused("weight 0", trainer().weights(weights), data, backend);
      weights.set(7, Double.NaN);
      refused("offsets must be finite", trainer().offset(weights), data, backend);
      Tensor few = arena.allocate("few", DType.F64, 29).fill(1);
      refused("few", trainer().weights(few), data, backend);
      data.y().fill(1);
      refused(
          "cannot be balanced", trainer().loss(new Logistic()).balancedClasses(), data, backend);
    }
  }

  private static Trainer trainer() {
    return Trainer.with(Optimizer.of(Adam.of(0.1)));
  }

  private static void refused(String words, Trainer trainer, Dataset data, Backend backend) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> trainer.fit(data, backend)).getMessage();
    assertTrue(message.contains(words), message);
  }
}
