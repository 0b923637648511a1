package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.Pairs;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Quantile;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Bounds are above the distance to the minimum, and close to it. */
class CertificateTest {
  private static Dataset data(TensorArena arena, int n, int d, int outputs) {
    SplittableRandom random = new SplittableRandom(5);
    Tensor x = arena.allocate("x", DType.F64, n, d);
    Tensor y = arena.allocate("y", DType.F64, n, outputs);
    for (int i = 0; i < n; i++) {
      double shared = random.nextGaussian();
      for (int f = 0; f < d; f++) {
        x.set(i, f, 1 + shared + random.nextGaussian());
      }
      for (int j = 0; j < outputs; j++) {
        y.set(i, j, (j + 1) * (2 * x.get(i, 0) - x.get(i, 1)) + 5 + random.nextGaussian());
      }
    }
    return new Dataset(
        IntStream.range(0, d).mapToObj(f -> "x" + f).toList(),
        IntStream.range(0, outputs).mapToObj(j -> "y" + j).toList(),
        x,
        y);
  }

  @Test
  void theExactSolutionLeavesRowsAsTheyAreAndKnowsItsGradient() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("exact")) {
      for (double l2 : new double[] {0, 0.5}) {
        Dataset data = data(arena, 150, 4, 2);
        double[] before = data.x().toArray();
        TrainingResult result =
            Trainer.with(new Exact(), Penalty.l2(l2))
                .standardizeInPlace()
                .certify()
                .fit(data, backend);
        assertArrayEquals(before, data.x().toArray());
        Certificate certificate = result.certificate();
        assertTrue(certificate.gradientNorm() < 1e-13, certificate.toString());
        assertTrue(certificate.gap() < 1e-13 * certificate.objective(), certificate.toString());
        double heldOut =
            Trainer.with(new Exact(), Penalty.l2(l2))
                .standardizeInPlace()
                .validation(0.2)
                .fit(data, backend)
                .validationMse();
        assertTrue(heldOut > 0.4 && (l2 > 0 || heldOut < 2), heldOut + " where noise has 1");
      }
    }
  }

  /** Measures of fit are those of the rows, whoever reads them. */
  @Test
  void theExactSolutionMeasuresAsOthersDo() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("measures")) {
      Tensor offset = arena.allocate("offset", DType.F64, 150);
      Tensor weights = arena.allocate("weights", DType.F64, 150);
      for (int i = 0; i < 150; i++) {
        offset.set(i, 100 + i);
        weights.set(i, 1 + i % 3);
      }
      for (Tensor offsets : new Tensor[] {null, offset}) {
        for (Tensor given : new Tensor[] {null, weights}) {
          List<TrainingResult> results =
              Stream.of(new Exact(), new Lbfgs())
                  .map(solver -> measured(solver, data(arena, 150, 4, 1), offsets, given, backend))
                  .toList();
          results
              .getFirst()
              .metrics()
              .forEach(
                  (name, value) ->
                      assertEquals(
                          results.getLast().metrics().get(name),
                          value,
                          1e-6 * Math.abs(value),
                          name));
        }
      }
    }
  }

  private static TrainingResult measured(
      Solver solver, Dataset data, Tensor offset, Tensor weights, Backend backend) {
    Trainer trainer =
        Trainer.with(solver, Penalty.none()).epochs(500).standardizeInPlace().certify();
    if (offset != null) {
      trainer.offset(offset);
    }
    if (weights != null) {
      trainer.weights(weights);
    }
    return trainer.fit(data, backend);
  }

  private record Problem(int d, int outputs, Penalty penalty, boolean intercept, boolean units) {
    /** Which backend comes there does not matter beside what is allowed for rounding. */
    double minimum(long epochs) {
      try (Backend backend = Backends.open("simd", new BackendOptions(1))) {
        return train(backend, epochs).certificate().objective();
      }
    }

    TrainingResult train(Backend backend, long epochs) {
      try (TensorArena arena = TensorArena.open("certificate")) {
        Trainer trainer =
            Trainer.with(Optimizer.of(new GradientDescent(1)).penalty(penalty))
                .epochs(epochs)
                .automaticRate()
                .certify();
        if (!intercept) {
          trainer.withoutIntercept();
        }
        if (units) {
          trainer.standardizeInPlace();
        }
        return trainer.fit(data(arena, 150, d, outputs), backend);
      }
    }
  }

  @Test
  void boundsHoldAndAreClose() {
    List<Backend> backends = TestBackends.open(1);
    List<Penalty> penalties =
        List.of(Penalty.none(), Penalty.l2(0.1), Penalty.l1(0.3), new Penalty(0.2, 0.1));
    for (int[] chosen : Pairs.of(penalties.size(), 2, 2, 2)) {
      Penalty penalty = penalties.get(chosen[0]);
      int outputs = chosen[1] == 0 ? 1 : 3;
      Problem problem = new Problem(6, outputs, penalty, chosen[2] == 0, chosen[3] == 0);
      double minimum = problem.minimum(3_000);
      for (Backend backend : backends) {
        boundHolds(problem, minimum, backend);
      }
    }
    TestBackends.close(backends);
  }

  private static void boundHolds(Problem problem, double minimum, Backend backend) {
    for (long epochs : new long[] {1, 5, 40}) {
      Certificate found = problem.train(backend, epochs).certificate();
      double gap = found.objective() - minimum;
      String what = "%s on %s, %d: %s, %s".formatted(problem, backend, epochs, gap, found);
      double rounding = 1e-9 * found.objective();
      assertTrue(found.gap() >= gap - rounding, what);
      // The shortest subgradient loses at most the condition number; solving with the curvature
      // loses nothing.
      double slack = problem.penalty().l1() > 0 ? found.condition() : 1 + 1e-6;
      assertTrue(found.gap() <= slack * gap + rounding, what);
    }
  }

  /**
   * Columns of means and deviations that differ by factors of 1,000, in F32 and as they are: the
   * loss of the model that comes out, in double precision from the same rows, is not further above
   * the minimum than the bound says.
   */
  @Test
  void f32FarFromStandardized() {
    int n = 150;
    int d = 4;
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      for (long epochs : new long[] {1, 30, 300}) {
        for (double mean : new double[] {0, 30, 1000}) {
          try (TensorArena arena = TensorArena.open("f32")) {
            Tensor x = arena.allocate("x", DType.F32, n, d);
            Tensor y = arena.allocate("y", DType.F32, n);
            SplittableRandom random = new SplittableRandom(8);
            for (int i = 0; i < n; i++) {
              for (int f = 0; f < d; f++) {
                x.set(i, f, (mean + random.nextGaussian()) * Math.pow(10, f - 1));
              }
              y.set(i, x.get(i, 0) - 0.01 * x.get(i, 2) + 3 + random.nextGaussian());
            }
            TrainingResult result =
                Trainer.with(Optimizer.of(new GradientDescent(1)))
                    .epochs(epochs)
                    .automaticRate()
                    .certify()
                    .fit(Dataset.of(x, y), backend);
            double[] w = result.model().coefficients()[0];
            double[] best = solution(x, y);
            double reached = meanSquare(x, y, w, result.model().intercept(0));
            double least = meanSquare(x, y, best, best[d]);
            Certificate found = result.certificate();
            // Squares of means 1,000 times the deviations leave no curvature in F32.
            boolean isLost = mean == 1000;
            assertTrue(
                found.gap() >= reached - least || (isLost && Double.isNaN(found.gap())),
                "%s, %d epochs, mean %s: %s above, and %s"
                    .formatted(backend.name(), epochs, mean, reached - least, found));
          }
        }
      }
    }
    TestBackends.close(backends);
  }

  /** Standardized rows are rounded to F32, which changes small residuals. */
  @Test
  void f32WithLittleNoise() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1))) {
      for (int seed = 0; seed < 60; seed++) {
        try (TensorArena arena = TensorArena.open("little noise")) {
          SplittableRandom random = new SplittableRandom(seed);
          Tensor x = arena.allocate("x", DType.F32, 200, 6);
          Tensor y = arena.allocate("y", DType.F32, 200);
          for (int i = 0; i < 200; i++) {
            double sum = Math.pow(10, -3 - seed % 4) * random.nextGaussian();
            for (int f = 0; f < 6; f++) {
              x.set(i, f, 3 + random.nextGaussian());
              sum += (f - 2) * x.get(i, f);
            }
            y.set(i, sum);
          }
          Trainer trainer = Trainer.with(new Lbfgs(), Penalty.none()).certify();
          TrainingResult result =
              trainer.standardizeInPlace().fit(Dataset.of(x, y).copy(arena), backend);
          LinearModel model = result.model();
          double[] best = solution(x, y);
          double reached = meanSquare(x, y, model.coefficients()[0], model.intercept(0));
          double above = reached - meanSquare(x, y, best, best[6]);
          Certificate found = result.certificate();
          assertTrue(found.gap() >= above, above + " above, and " + found);
        }
      }
    }
  }

  /** A column of large numbers does not make the rounding of a large coefficient of another. */
  @Test
  void f32OfDifferentUnits() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("units")) {
      SplittableRandom random = new SplittableRandom(4);
      Tensor x = arena.allocate("x", DType.F32, 200, 2);
      Tensor y = arena.allocate("y", DType.F32, 200);
      for (int i = 0; i < 200; i++) {
        x.set(i, 0, 300 * random.nextGaussian());
        x.set(i, 1, 0.003 * random.nextGaussian());
        y.set(i, 0.003 * x.get(i, 0) + 300 * x.get(i, 1) + random.nextGaussian());
      }
      Trainer trainer = Trainer.with(new Lbfgs(), Penalty.none()).certify();
      TrainingResult result = trainer.fit(Dataset.of(x, y), backend);
      double[] best = solution(x, y);
      LinearModel model = result.model();
      double reached = meanSquare(x, y, model.coefficients()[0], model.intercept(0));
      Certificate found = result.certificate();
      assertTrue(found.gap() >= reached - meanSquare(x, y, best, best[2]), found::toString);
      assertTrue(found.gap() < 1e-6 * found.objective(), found::toString);
    }
  }

  private static double meanSquare(Tensor x, Tensor y, double[] w, double b) {
    double sum = 0;
    for (int i = 0; i < x.rows(); i++) {
      double r = b - y.get(i);
      for (int f = 0; f < x.cols(); f++) {
        r += x.get(i, f) * w[f];
      }
      sum += r * r;
    }
    return sum / x.rows();
  }

  /**
   * Coefficients and intercept, by Gram-Schmidt, twice, on columns that are centered and scaled.
   */
  private static double[] solution(Tensor x, Tensor y) {
    int n = (int) x.rows();
    int d = (int) x.cols();
    double[] means = new double[d + 1];
    double[][] a = new double[d + 1][n];
    for (int f = 0; f <= d; f++) {
      for (int i = 0; i < n; i++) {
        a[f][i] = f < d ? x.get(i, f) : y.get(i);
        means[f] += a[f][i] / n;
      }
      for (int i = 0; i < n; i++) {
        a[f][i] -= means[f];
      }
    }
    double[][] r = new double[d + 1][d + 1];
    for (int f = 0; f <= d; f++) {
      for (int turn = 0; turn < 2; turn++) {
        for (int g = 0; g < f; g++) {
          double part = dot(a[g], a[f]);
          r[g][f] += part;
          for (int i = 0; i < n; i++) {
            a[f][i] -= part * a[g][i];
          }
        }
      }
      r[f][f] = Math.sqrt(dot(a[f], a[f]));
      for (int i = 0; i < n; i++) {
        a[f][i] /= r[f][f];
      }
    }
    double[] w = new double[d + 1];
    w[d] = means[d];
    for (int f = d - 1; f >= 0; f--) {
      w[f] = r[f][d];
      for (int g = f + 1; g < d; g++) {
        w[f] -= r[f][g] * w[g];
      }
      w[f] /= r[f][f];
      w[d] -= w[f] * means[f];
    }
    return w;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Nothing but the penalty bounds the curvature of this many features. */
  @Test
  void manyFeatures() {
    List<Backend> backends = TestBackends.open(1);
    Problem penalized = new Problem(600, 1, Penalty.l2(0.5), true, true);
    double minimum = penalized.minimum(3_000);
    for (Backend backend : backends) {
      Certificate found = penalized.train(backend, 3).certificate();
      double gap = found.objective() - minimum;
      assertTrue(found.gap() >= gap && found.gap() < 1000 * gap, gap + " " + found);
      assertTrue(found.message().contains("strong convexity"), found.message());
      Certificate unbounded =
          new Problem(600, 1, Penalty.none(), true, true).train(backend, 3).certificate();
      assertTrue(Double.isNaN(unbounded.gap()), unbounded.message());
      assertTrue(unbounded.message().contains("L2 penalty would bound it"), unbounded.message());
    }
    TestBackends.close(backends);
  }

  /** Weight decay that enters the gradient is a penalty like any other. */
  @Test
  void coupledDecayIsPartOfTheObjective() {
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("decay")) {
        Certificate found =
            Trainer.with(Optimizer.of(Sgd.of(0.05).withWeightDecay(0.2)))
                .epochs(2000)
                .fullBatch()
                .certify()
                .fit(data(arena, 150, 4, 1), backend)
                .certificate();
        assertEquals(0, found.gradientNorm(), 1e-9);
        assertEquals(0, found.gap(), 1e-9);
      }
    }
    TestBackends.close(backends);
  }

  /** Rounding of predictions moves the loss by more than the duality gap. */
  @Test
  void l1FarFromZero() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("far")) {
      SplittableRandom random = new SplittableRandom(9);
      double[] x = random.doubles(50, 1e12, 1e12 + 4).toArray();
      double[] y = Arrays.stream(x).map(v -> v - 1e12 + random.nextGaussian()).toArray();
      Tensor columns = arena.allocate("x", DType.F64, 50, 1).copyFrom(x);
      Dataset data = Dataset.of(columns, arena.allocate("y", DType.F64, 50).copyFrom(y));
      Trainer trainer = Trainer.with(new Fista(), Penalty.l1(1e-3)).certify();
      TrainingResult result = trainer.standardizeInPlace().fit(data, backend);
      BigDecimal w = new BigDecimal(result.model().coefficient(0, 0));
      double loss = 0;
      double squares = 0;
      double mean = Arrays.stream(x).map(v -> v - x[0]).average().orElseThrow();
      for (int i = 0; i < 50; i++) {
        BigDecimal z = w.multiply(new BigDecimal(x[i]));
        double r =
            z.add(new BigDecimal(result.model().intercept(0)))
                .subtract(new BigDecimal(y[i]))
                .doubleValue();
        loss += r * r / 50;
        squares += (x[i] - x[0] - mean) * (x[i] - x[0] - mean) / 50;
      }
      loss += 1e-3 * Math.abs(w.doubleValue()) * Math.sqrt(squares);
      Certificate found = result.certificate();
      assertEquals(found.objective(), loss, found.gap());
      assertTrue(found.gap() < 0.01 * loss, found::toString);
    }
  }

  @Test
  void dependentFeatures() {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("dependent")) {
      Dataset data = data(arena, 50, 4, 1);
      for (int i = 0; i < 50; i++) {
        data.x().set(i, 3, data.x().get(i, 1) - 2 * data.x().get(i, 2));
      }
      Trainer trainer = Trainer.with(Optimizer.of(new GradientDescent(0.01))).epochs(5);
      assertNull(trainer.fit(data, backend).certificate());
      Certificate found = trainer.certify().fit(data, backend).certificate();
      // What depends on others costs no bound.
      ExactSolution exact =
          ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), true, 0);
      double above = found.objective() - exact.meanSquaredError()[0];
      assertEquals(above, found.gap(), 1e-9 * above);
      assertTrue(found.isIllConditioned());
      assertEquals(Double.POSITIVE_INFINITY, found.condition(), 0);
      Trainer quantile = Trainer.automatic().loss(new Quantile(0.5)).certify();
      assertEquals(
          "the dual of the linear program, with the columns that rounding can tell apart",
          quantile.fit(data, backend).certificate().basis());
    }
  }
}
