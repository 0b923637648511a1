package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Least squares of 40 rows with noise, on their whole gradient, by a rate that decays. */
@Tag("first")
class ConvergenceTest {
  private static final int ROWS = 40;
  private static final int FEATURES = 5;
  private static final int STEPS = 3000;

  /** From the base rate to a millionth of it. */
  private static final Schedule SCHEDULE = Schedule.exponential(Math.pow(1e-6, 1.0 / STEPS));

  private final List<Backend> backends = TestBackends.host(1);
  private TensorArena arena;

  @BeforeEach
  void open() {
    arena = TensorArena.open("convergence test");
  }

  @AfterEach
  void close() {
    arena.close();
    TestBackends.close(backends);
  }

  /** Rows, targets, and a model that starts at zero. */
  private final class Problem {
    final Tensor x;
    final Tensor y;
    final LinearRegression model;

    Problem(Backend backend, DType dtype) {
      x = arena.allocate("X", dtype, ROWS, FEATURES);
      y = arena.allocate("y", dtype, ROWS, 1);
      SplittableRandom random = new SplittableRandom(3);
      for (int i = 0; i < ROWS; i++) {
        double target = random.nextGaussian();
        for (int j = 0; j < FEATURES; j++) {
          // Scales of 1 to 2; the last feature has no influence.
          double value = (1 + 0.25 * j) * random.nextGaussian();
          x.set(i, j, value);
          target += (j == FEATURES - 1 ? 0 : j - 1.5) * value;
        }
        y.set(i, 0, target);
      }
      model = new LinearRegression(backend, arena, dtype, FEATURES, 1, false);
    }

    void train(Optimizer.Builder options, Backend backend) {
      Optimizer optimizer = options.schedule(SCHEDULE).build(model.parameters(), backend, arena);
      for (int step = 0; step < STEPS; step++) {
        model.computeGradient(x, y);
        optimizer.step(model.gradient());
      }
    }
  }

  private static List<UpdateRule> rules() {
    return List.of(Lion.of(0.05), NAdam.of(0.05), Adagrad.of(0.5), Adam.of(0.05));
  }

  /** What is left to go in the last step is about a rate in each coordinate. */
  @Test
  void exactSolution() {
    for (Backend backend : backends) {
      for (UpdateRule rule : rules()) {
        Problem problem = new Problem(backend, DType.F64);
        problem.train(Optimizer.of(rule), backend);
        ExactSolution exact =
            ExactSolution.solve(backend, problem.x, problem.y, null, ROWS, false, 0);
        for (int j = 0; j < FEATURES; j++) {
          assertEquals(
              exact.coefficients()[0][j],
              problem.model.parameters().flat().get(j),
              2e-6 * rule.learningRate(),
              backend.name() + " " + rule + " coefficient " + j);
        }
      }
    }
  }

  /** Rounded state leads to the same point, as near as F32 parameters get to it. */
  @Test
  void exactSolutionWithCompactState() {
    Backend backend = backends.getFirst();
    for (UpdateRule rule : rules()) {
      for (StateFormat format : StateFormat.values()) {
        Problem problem = new Problem(backend, DType.F32);
        problem.train(Optimizer.of(rule).state(format), backend);
        ExactSolution exact =
            ExactSolution.solve(backend, problem.x, problem.y, null, ROWS, false, 0);
        for (int j = 0; j < FEATURES; j++) {
          assertEquals(
              exact.coefficients()[0][j],
              problem.model.parameters().flat().get(j),
              1e-5,
              format + " " + rule + " coefficient " + j);
        }
      }
    }
  }

  /**
   * The conditions of a lasso's minimum: the gradient of the loss is {@code -l1 * sign(w)}, or at
   * most l1 where w is 0.
   */
  @Test
  void minimumOfLossPlusL1() {
    double l1 = 1.1;
    for (Backend backend : backends) {
      for (UpdateRule rule : rules()) {
        if (rule.unsupportedL1Reason().isPresent()) {
          continue;
        }
        Problem problem = new Problem(backend, DType.F64);
        problem.train(Optimizer.of(rule).penalty(Penalty.l1(l1)), backend);
        problem.model.computeGradient(problem.x, problem.y);
        double[] w = Arrays.copyOf(problem.model.parameters().flat().toArray(), FEATURES);
        double[] g = problem.model.gradient().flat().toArray();
        int zeros = 0;
        for (int j = 0; j < FEATURES; j++) {
          String what = "%s %s: w %s, gradient %s".formatted(backend.name(), rule, w[j], g[j]);
          if (w[j] == 0) {
            zeros++;
            assertTrue(Math.abs(g[j]) < l1, what);
          } else {
            assertEquals(-l1 * Math.signum(w[j]), g[j], 1e-5, what);
          }
        }
        assertTrue(zeros > 0 && zeros < FEATURES, rule + " " + Arrays.toString(w));
      }
    }
  }

  /** Lion has no such minimum: said before there is any state. */
  @Test
  void refusesL1WhereTheRuleDoes() {
    for (Backend backend : backends) {
      Parameters p = Parameters.layout().add("p", 1).allocate(arena, "p", DType.F64);
      Optimizer.Builder lion = Optimizer.of(Lion.of(0.1));
      Optimizer.Builder lasso = lion.copy().penalty(Penalty.l1(0.25));
      long before = arena.bytes();
      String text =
          assertThrows(IllegalArgumentException.class, () -> lasso.build(p, backend, arena))
              .getMessage();
      assertTrue(text.contains("'lion'") && text.contains("L1 penalty 0.25"), text);
      assertEquals(before, arena.bytes());
      lion.penalty(Penalty.l2(0.25)).build(p, backend, arena);
      assertTrue(arena.bytes() > before);
    }
  }
}
