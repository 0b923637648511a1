package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
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
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A row of weight 0 is no row, whatever it holds, and a row of weight m is m rows. */
class WeightedRowsTest {
  private static final int ROWS = 60;
  private static final double[] NONE = {Double.NaN, Double.POSITIVE_INFINITY, 1e300, -3};

  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backends.open("simd", new BackendOptions(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** A loss with its targets from numbers around 1. */
  private record Kind(Loss loss, Function<Double, Double> target) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(new Squared(), z -> 1e3 + 50 * z),
          new Kind(new Huber(0.7), z -> z),
          new Kind(new Logistic(), z -> z > 1 ? 1.0 : 0.0),
          new Kind(new Poisson(), z -> Math.rint(Math.exp(Math.clamp(z / 3, -1, 1)))),
          new Kind(new Quantile(0.3), z -> z));

  private static final Map<String, Function<Penalty, Trainer>> METHODS =
      Map.of(
          "gd", p -> descent(p).epochs(100),
          "gd by its own rate", p -> descent(p).automaticRate().epochs(100),
          "gram", p -> descent(p).gram().epochs(100),
          "cg", p -> Trainer.with(new ConjugateGradient(), p).epochs(2000),
          "lbfgs", p -> Trainer.with(new Lbfgs(), p).epochs(2000),
          "fista", p -> Trainer.with(new Fista(), p).epochs(20_000));

  private static Trainer descent(Penalty penalty) {
    return Trainer.with(Optimizer.of(new GradientDescent(0.02)).penalty(penalty));
  }

  /** One line of the table. */
  private record Case(
      Kind kind, String method, Penalty penalty, boolean isPlain, List<Double> classes) {
    Trainer trainer() {
      Trainer trainer = METHODS.get(method).apply(penalty).loss(kind.loss).certify();
      if (classes != null) {
        trainer = classes.isEmpty() ? trainer.balancedClasses() : trainer.classWeights(1, 3);
      }
      return isPlain ? trainer.withoutIntercept() : trainer.standardizeInPlace();
    }

    @Override
    public String toString() {
      return "%s by %s, %s%s%s"
          .formatted(
              kind.loss.name(),
              method,
              penalty,
              isPlain ? ", raw without intercept" : "",
              classes == null ? "" : ", classes " + classes);
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (Kind kind : KINDS) {
      for (String method : METHODS.keySet().stream().sorted().toList()) {
        for (Penalty penalty :
            List.of(Penalty.none(), Penalty.l2(0.1), Penalty.l1(0.05), new Penalty(0.05, 0.1))) {
          for (boolean isPlain : new boolean[] {false, true}) {
            Case plain = new Case(kind, method, penalty, isPlain, null);
            if (isPossible(plain)) {
              cases.add(plain);
              if (kind.loss.hasClasses()) {
                cases.add(new Case(kind, method, penalty, isPlain, List.of()));
                cases.add(new Case(kind, method, penalty, isPlain, List.of(1.0, 3.0)));
              }
            }
          }
        }
      }
    }
    return cases;
  }

  private static boolean isPossible(Case which) {
    try {
      which.trainer().plan().requireConsistent();
      return true;
    } catch (PlanException e) {
      return false;
    }
  }

  /** Rows with weights: three features, the last in other units and constant but for one row. */
  @SuppressWarnings("ArrayRecordComponent") // made once, not compared
  private record Rows(double[][] x, double[][] y, double[] weights) {
    static Rows of(Kind kind, int seed) {
      double[][] x = Datasets.normal(seed, ROWS, 3);
      double[][] noise = Datasets.normal(seed + 1, ROWS, 1);
      double[] weights = new double[ROWS];
      double[][] y = new double[ROWS][1];
      for (int i = 0; i < ROWS; i++) {
        weights[i] = i % 7 == 3 ? 0 : 1 + i % 3;
        y[i][0] = kind.target.apply(1 + x[i][0] - 0.5 * x[i][1] + noise[i][0]);
        x[i][1] = 5 + 2 * x[i][1];
        x[i][2] = 1;
      }
      return new Rows(x, y, weights);
    }

    /** The rows at these numbers, with the weights that are given. */
    Rows at(int[] numbers, double[] newWeights) {
      return new Rows(
          Arrays.stream(numbers).mapToObj(i -> x[i].clone()).toArray(double[][]::new),
          Arrays.stream(numbers).mapToObj(i -> y[i].clone()).toArray(double[][]::new),
          newWeights);
    }

    /** What no training may see, in the rows of weight 0. */
    Rows withGarbage() {
      Rows rows = at(IntStream.range(0, ROWS).toArray(), weights);
      for (int i = 0; i < ROWS; i++) {
        if (weights[i] == 0) {
          rows.x[i] = new double[] {NONE[i % 4], NONE[i / 2 % 4], NONE[i / 3 % 4]};
          rows.y[i][0] = NONE[i / 5 % 4];
        }
      }
      return rows;
    }

    Rows leftOut() {
      int[] used = IntStream.range(0, ROWS).filter(i -> weights[i] > 0).toArray();
      return at(used, Arrays.stream(used).mapToDouble(i -> weights[i]).toArray());
    }

    Rows repeated() {
      int[] numbers =
          IntStream.range(0, ROWS)
              .flatMap(i -> IntStream.generate(() -> i).limit((long) weights[i]))
              .toArray();
      return at(numbers, null);
    }

    TrainingResult fit(Trainer trainer, DType dtype, double factor) {
      try (TensorArena arena = TensorArena.open("weights")) {
        Dataset data = Datasets.of(arena, dtype, x, y);
        if (weights != null) {
          double[] scaled = Arrays.stream(weights).map(w -> w * factor).toArray();
          trainer.weights(arena.allocate("weights", DType.F64, scaled.length).copyFrom(scaled));
        }
        return trainer.fit(data, backend);
      }
    }

    TrainingResult fit(Trainer trainer) {
      return fit(trainer, DType.F64, 1);
    }
  }

  /**
   * Steps of gradient descent do not lengthen a distance: 100 of them, each with the rounding of
   * sums over 120 rows of numbers of size 10, differ by 100 * 120 * 2^-53 * 10 = 1.4e-11. Methods
   * that run to the end have gradients of 1e-9 of the first, which is at most 10, and curvature of
   * at least 0.05: 10 * 1e-9 / 0.05 = 2e-7 from the minimum each. Both in units of training, where
   * parameters are below 3, and relative to the largest of a model here.
   */
  private static double bound(Case which) {
    return which.method.startsWith("g") ? 1.4e-11 : 4e-7;
  }

  private static void same(Case which, TrainingResult expected, TrainingResult found) {
    double bound = bound(which);
    String what = which + ": " + found;
    double[] wanted = expected.model().coefficients()[0];
    double size = Math.max(1, Math.abs(expected.model().intercept(0)));
    for (double w : wanted) {
      size = Math.max(size, Math.abs(w));
    }
    assertArrayEquals(wanted, found.model().coefficients()[0], bound * size, what);
    assertEquals(expected.model().intercept(0), found.model().intercept(0), bound * size, what);
    double loss = Math.max(1, Math.abs(expected.loss()));
    assertEquals(expected.loss(), found.loss(), bound * loss, what);
    assertEquals(expected.learningRate(), found.learningRate(), 0.0, what);
    assertEquals(expected.constantFeatures(), found.constantFeatures(), what);
    assertEquals(which.isPlain ? List.of() : List.of("x3"), found.constantFeatures());
    assertEquals(expected.metrics().keySet(), found.metrics().keySet());
    expected
        .metrics()
        .forEach(
            (name, value) ->
                assertEquals(
                    value,
                    found.metrics().get(name),
                    10 * bound * Math.max(1, Math.abs(value)),
                    name + " of " + what));
    Certificate wantedBound = expected.certificate();
    Certificate foundBound = found.certificate();
    if (which.kind.loss.isQuadratic()) {
      double condition = wantedBound.condition();
      assertEquals(condition, foundBound.condition(), 1e-10 * condition, what);
    }
    assertEquals(wantedBound.basis(), foundBound.basis(), what);
    // Where descent has not ended, a gap is far from its rounding.
    if (which.method.startsWith("g") && wantedBound.gap() > 0) {
      double rounding = 1e-9 * Math.max(Math.abs(wantedBound.objective()), 1);
      assertEquals(wantedBound.gap(), foundBound.gap(), 1e-6 * wantedBound.gap() + rounding, what);
    }
    assertEquals(Double.isNaN(wantedBound.gap()), Double.isNaN(foundBound.gap()), what);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void zeroIsLeftOutAndIntegersAreRepetitions(Case which) {
    Rows rows = Rows.of(which.kind, 5);
    TrainingResult expected = rows.repeated().fit(which.trainer());
    same(which, expected, rows.leftOut().fit(which.trainer()));
    same(which, expected, rows.withGarbage().fit(which.trainer()));
  }

  /** Batches, their order and the rows held out are those of the rows of weight: the same bits. */
  @Test
  void batchesAndHeldOutRows() {
    for (Kind kind : KINDS) {
      Rows rows = Rows.of(kind, 7);
      for (boolean isFull : new boolean[] {true, false}) {
        Supplier<Trainer> trainer =
            () -> {
              Trainer made = Trainer.with(Optimizer.of(Adam.of(0.05))).epochs(20).seed(3);
              made.loss(kind.loss).standardizeInPlace().validation(0.25).certify();
              return isFull ? made : made.batchSize(8);
            };
        TrainingResult expected = rows.leftOut().fit(trainer.get());
        TrainingResult found = rows.withGarbage().fit(trainer.get());
        assertEquals(expected.history().size(), found.history().size());
        assertEquals(expected.validationMse(), found.validationMse(), 0.0, kind.loss.name());
        assertEquals(expected.loss(), found.loss(), 0.0, kind.loss.name());
        assertArrayEquals(expected.model().coefficients()[0], found.model().coefficients()[0]);
        assertEquals(expected.metrics(), found.metrics());
      }
    }
  }

  /** A common factor of the weights is nothing, up to its own rounding; for F32 rows as well. */
  @Test
  void factors() {
    for (Case which : cases()) {
      if (which.isPlain || which.method.equals("fista")) {
        continue;
      }
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        Rows rows = Rows.of(which.kind, 9).leftOut();
        TrainingResult expected = rows.fit(which.trainer().epochs(5), dtype, 1);
        for (double factor : new double[] {1e-300, 1e300}) {
          TrainingResult found = rows.fit(which.trainer().epochs(5), dtype, factor);
          // Five steps, each of 60 rows; a weight in F32 may have been rounded to the other side.
          double bound = 5 * 60 * (dtype == DType.F32 ? 0x1p-24 : 0x1p-53);
          String what = "%s, %s, %s".formatted(which, dtype, factor);
          double loss = Math.max(1, Math.abs(expected.loss()));
          assertEquals(expected.loss(), found.loss(), bound * loss, what);
          for (Map.Entry<String, Double> metric : expected.metrics().entrySet()) {
            double value = found.metrics().get(metric.getKey());
            assertTrue(Double.isFinite(value), what + metric);
            double size = Math.max(1, Math.abs(value));
            assertEquals(metric.getValue(), value, 100 * bound * size, what + metric);
          }
        }
      }
    }
  }

  /** What a value would be refused for, with its row, where the row has weight. */
  @Test
  void rowsOfWeightAreStillRefused() {
    Rows rows = Rows.of(KINDS.get(2), 5).withGarbage();
    rows.weights[3] = 1;
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> rows.fit(Trainer.with(new Lbfgs(), Penalty.none()).loss(new Logistic())))
            .getMessage();
    assertTrue(message.contains("row 4"), message);
    Rows squared = Rows.of(KINDS.getFirst(), 5).withGarbage();
    squared.weights[10] = 1;
    message =
        assertThrows(
                IllegalArgumentException.class,
                () -> squared.fit(Trainer.with(new Lbfgs(), Penalty.none())))
            .getMessage();
    assertTrue(message.startsWith("row 11 of feature"), message);
  }

  /** Full and smaller batches are counted by rows of weight. */
  @Test
  void batchesAreOfRowsOfWeight() {
    Rows rows = Rows.of(KINDS.getFirst(), 5);
    Trainer trainer = Trainer.with(Optimizer.of(Adam.of(0.1))).batchSize(55);
    String message = assertThrows(PlanException.class, () -> rows.fit(trainer)).getMessage();
    assertTrue(message.contains("the 51 training rows"), message);
  }
}
