package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.Pairs;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Least squares, ridge and lasso on real data, as NumPy and scikit-learn computed them. */
class RegressionGoldenTest {
  private static final long BATCH = 32;
  private static final long EPOCHS = 100;
  private static final List<DType> TYPES = List.of(DType.F32, DType.F64);
  private static final List<UpdateRule> RULES =
      List.of(Sgd.of(0.01), Adam.of(0.01), RmsProp.of(0.01));

  private static JsonNode golden;
  private static List<Backend> backends;

  /** The files, with the rate and epochs of gradient descent that reach the exact answer. */
  enum Sample {
    DIABETES("diabetes", "progression", 0.24, 8000),
    RANDHIE("randhie", "mdvis", 0.4, 300);

    final String name;
    final String target;
    final double rate;
    final long epochs;

    Sample(String name, String target, double rate, long epochs) {
      this.name = name;
      this.target = target;
      this.rate = rate;
      this.epochs = epochs;
    }

    Dataset read(TensorArena arena, DType dtype) {
      return Datasets.resource(arena, dtype, name, target);
    }

    JsonNode golden() {
      return golden.get(name);
    }

    double exactMse() {
      return golden().get("mse").get(0).asDouble();
    }
  }

  @BeforeAll
  static void open() throws IOException {
    try (InputStream in =
        RegressionGoldenTest.class.getResourceAsStream("/golden/regression.json")) {
      golden = new ObjectMapper().readTree(in);
    }
    backends = TestBackends.open(1);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static void relative(double expected, double actual, double tolerance, String what) {
    assertEquals(expected, actual, tolerance * Math.abs(expected), what);
  }

  private static TrainingResult descend(
      Sample sample, DType dtype, Backend backend, Penalty penalty, boolean gram) {
    return descend(sample, sample.epochs, dtype, backend, penalty, gram);
  }

  private static TrainingResult descend(
      Sample sample, long epochs, DType dtype, Backend backend, Penalty penalty, boolean gram) {
    try (TensorArena arena = TensorArena.open("golden")) {
      Trainer trainer =
          Trainer.with(Optimizer.of(new GradientDescent(sample.rate)).penalty(penalty))
              .epochs(epochs)
              .standardizeInPlace();
      return (gram ? trainer.gram() : trainer).fit(sample.read(arena, dtype), backend);
    }
  }

  /**
   * Ways to compute gradients of full batches: from the rows, and in Gram mode, which is the
   * host's. The software device takes too long for the answer; {@link #softwareDevice} compares a
   * part of the way to it.
   */
  private static List<Boolean> ways(Backend backend) {
    if (backend.usesHostMemory()) {
      return List.of(false, true);
    }
    return TestBackends.isTooSlow(backend) ? List.of() : List.of(false);
  }

  /** Whether a long training that other tests do on it too is left to where there is time. */
  private static boolean isSlow(Backend backend) {
    return TestBackends.isTooSlow(backend)
        || (backend.name().equals("scalar") && !Boolean.getBoolean("panagrad.test.slow"));
  }

  /** The way that the hosts go to the exact answer, in as many epochs as there is time for. */
  @Test
  void softwareDevice() {
    Sample sample = Sample.DIABETES;
    Backend host = backends.stream().filter(Backend::usesHostMemory).findFirst().orElseThrow();
    for (Backend backend : backends) {
      if (TestBackends.isTooSlow(backend)) {
        for (Penalty penalty : List.of(Penalty.none(), Penalty.l2(0.1), Penalty.l1(1))) {
          TrainingResult expected = descend(sample, 100, DType.F64, host, penalty, false);
          TrainingResult result = descend(sample, 100, DType.F64, backend, penalty, false);
          for (int f = 0; f < expected.model().features().size(); f++) {
            relative(
                expected.model().coefficient(0, f),
                result.model().coefficient(0, f),
                1e-9,
                backend.name() + " " + penalty + " " + f);
          }
          relative(expected.mse(), result.mse(), 1e-9, backend.name() + " " + penalty);
        }
      }
    }
  }

  /** Population standard deviations of the features: penalized references are in their units. */
  private static double[] deviations(Sample sample) {
    try (TensorArena arena = TensorArena.open("deviations")) {
      double[][] x = Datasets.rows(sample.read(arena, DType.F64).x());
      double[] deviations = new double[x[0].length];
      for (int f = 0; f < deviations.length; f++) {
        double mean = 0;
        for (double[] row : x) {
          mean += row[f] / x.length;
        }
        double squares = 0;
        for (double[] row : x) {
          squares += (row[f] - mean) * (row[f] - mean);
        }
        deviations[f] = Math.sqrt(squares / x.length);
      }
      return deviations;
    }
  }

  @ParameterizedTest
  @EnumSource
  void exactSolution(Sample sample) {
    JsonNode reference = sample.golden();
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("golden")) {
        Dataset data = sample.read(arena, DType.F64);
        assertEquals(reference.get("rows").asLong(), data.rows());
        ExactSolution exact =
            ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), true, 0);
        JsonNode coefficients = reference.get("coefficients").get(0);
        assertEquals(coefficients.size(), exact.rank());
        for (int f = 0; f < coefficients.size(); f++) {
          relative(
              coefficients.get(f).asDouble(),
              exact.coefficients()[0][f],
              1e-9,
              backend.name() + " " + data.features().get(f));
        }
        relative(
            reference.get("intercept").get(0).asDouble(),
            exact.intercept()[0],
            1e-9,
            backend.name() + " intercept");
        double mse = exact.meanSquaredError()[0];
        relative(sample.exactMse(), mse, 1e-9, backend.name() + " mse");
        relative(
            reference.get("r2").get(0).asDouble(),
            1 - mse / exact.targetVariance()[0],
            1e-9,
            backend.name() + " r2");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void gradientDescentReachesTheExactCoefficients(Sample sample) {
    JsonNode reference = sample.golden();
    for (Backend backend : backends) {
      for (boolean gram : ways(backend)) {
        TrainingResult result = descend(sample, DType.F64, backend, Penalty.none(), gram);
        String what = backend.name() + (gram ? " gram " : " ");
        JsonNode coefficients = reference.get("coefficients").get(0);
        for (int f = 0; f < coefficients.size(); f++) {
          relative(
              coefficients.get(f).asDouble(),
              result.model().coefficient(0, f),
              1e-6,
              what + reference.get("features").get(f));
        }
        relative(
            reference.get("intercept").get(0).asDouble(),
            result.model().intercept(0),
            1e-6,
            what + "intercept");
        relative(sample.exactMse(), result.mse(), 1e-9, what + "mse");
        relative(reference.get("r2").get(0).asDouble(), result.r2(), 1e-9, what + "r2");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void miniBatchesEndNearTheExactLoss(Sample sample) {
    for (int[] chosen : Pairs.of(backends.size(), RULES.size(), TYPES.size())) {
      Backend backend = backends.get(chosen[0]);
      UpdateRule rule = RULES.get(chosen[1]);
      DType dtype = TYPES.get(chosen[2]);
      if (sample == Sample.RANDHIE && isSlow(backend)) {
        continue;
      }
      try (TensorArena arena = TensorArena.open("golden")) {
        Dataset data = sample.read(arena, dtype);
        long steps = EPOCHS * Math.ceilDiv(data.rows(), BATCH);
        TrainingResult result =
            Trainer.with(Optimizer.of(rule).schedule(Schedule.cosine(steps, 0)))
                .epochs(EPOCHS)
                .batchSize(BATCH)
                .standardizeInPlace()
                .fit(data, backend);
        assertEquals(steps, result.steps());
        double gap = result.mse() / sample.exactMse() - 1;
        String what = "%s %s %s gap %s".formatted(backend.name(), dtype, rule, gap);
        assertTrue(gap < 0.01, what);
        assertTrue(gap > -1e-4, what);
      }
    }
  }

  /** Full batches of other rules, which the row by row gradient is not needed for. */
  @ParameterizedTest
  @EnumSource
  void gramModeEndsNearTheExactLoss(Sample sample) {
    List<Backend> hosts = backends.stream().filter(Backend::usesHostMemory).toList();
    List<UpdateRule> rules =
        List.of(Sgd.of(0.01).withMomentum(0.9), Adam.of(0.05), RmsProp.of(0.05));
    for (int[] chosen : Pairs.of(hosts.size(), rules.size(), TYPES.size())) {
      Backend backend = hosts.get(chosen[0]);
      UpdateRule rule = rules.get(chosen[1]);
      DType dtype = TYPES.get(chosen[2]);
      try (TensorArena arena = TensorArena.open("golden")) {
        TrainingResult result =
            Trainer.with(Optimizer.of(rule).schedule(Schedule.cosine(1000, 0)))
                .epochs(1000)
                .gram()
                .standardizeInPlace()
                .fit(sample.read(arena, dtype), backend);
        assertEquals(1000, result.steps());
        double gap = result.mse() / sample.exactMse() - 1;
        String what = "%s %s %s gap %s".formatted(backend.name(), dtype, rule, gap);
        assertTrue(gap < 0.01, what);
        assertTrue(gap > -1e-4, what);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void ridge(Sample sample) {
    JsonNode reference = sample.golden().get("ridge_std_l2_0.1").get(0);
    double[] deviations = deviations(sample);
    for (Backend backend : backends) {
      for (boolean gram : ways(backend)) {
        if (!gram && isSlow(backend)) {
          continue;
        }
        TrainingResult result = descend(sample, DType.F64, backend, Penalty.l2(0.1), gram);
        for (int f = 0; f < deviations.length; f++) {
          relative(
              reference.get(f).asDouble(),
              result.model().coefficient(0, f) * deviations[f],
              1e-4,
              backend.name() + (gram ? " gram " : " ") + f);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void exactRidge(Sample sample) {
    JsonNode reference = sample.golden().get("ridge_std_l2_0.1").get(0);
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("golden")) {
        Dataset data = sample.read(arena, DType.F64);
        Standardization.fit(data.x(), data.y(), null, data.rows(), true)
            .applyInPlace(data.x(), data.y());
        Dataset raw = sample.read(arena, DType.F64);
        ExactSolution exact =
            ExactSolution.solve(backend, data.x(), raw.y(), null, data.rows(), true, 0.1);
        for (int f = 0; f < reference.size(); f++) {
          relative(
              reference.get(f).asDouble(),
              exact.coefficients()[0][f],
              1e-9,
              backend.name() + " " + f);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void lasso(Sample sample) {
    JsonNode lasso = sample.golden().get("lasso_std");
    JsonNode reference = lasso.get("coefficients").get(0);
    double[] deviations = deviations(sample);
    List<Backend> tried =
        backends.stream().filter(backend -> !TestBackends.isTooSlow(backend)).toList();
    Penalty penalty = Penalty.l1(lasso.get("l1").asDouble());
    int zeros = 0;
    List<int[]> ways = Pairs.of(tried.size(), TYPES.size(), 2);
    for (int[] way : ways) {
      Backend backend = tried.get(way[0]);
      DType dtype = TYPES.get(way[1]);
      boolean gram = (way[2] == 1 || isSlow(backend)) && backend.usesHostMemory();
      TrainingResult result = descend(sample, dtype, backend, penalty, gram);
      for (int f = 0; f < deviations.length; f++) {
        double expected = reference.get(f).asDouble();
        double found = result.model().coefficient(0, f) * deviations[f];
        String what = "%s %s gram %s coefficient %d".formatted(backend.name(), dtype, gram, f);
        if (expected == 0) {
          assertEquals(0.0, Math.abs(found), 0.0, what);
          zeros++;
        } else {
          relative(expected, found, 1e-4, what);
        }
      }
    }
    assertTrue(zeros >= ways.size(), zeros + " zeros");
  }
}
