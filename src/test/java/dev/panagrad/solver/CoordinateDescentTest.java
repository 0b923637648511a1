package dev.panagrad.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Optimality conditions on random problems, some of which are singular. */
class CoordinateDescentTest {
  /** Rows and a target, and their products. */
  private static final class Problem {
    final double[][] g;
    final double[] c;
    final double q;

    Problem(double[][] x, double[] y) {
      int d = x[0].length;
      int n = x.length;
      g = new double[d][d];
      c = new double[d];
      double squares = 0;
      for (int i = 0; i < n; i++) {
        for (int a = 0; a < d; a++) {
          for (int b = 0; b < d; b++) {
            g[a][b] += x[i][a] * x[i][b] / n;
          }
          c[a] += x[i][a] * y[i] / n;
        }
        squares += y[i] * y[i] / n;
      }
      q = squares;
    }

    CoordinateDescent descent() {
      return new CoordinateDescent(g, c, q);
    }

    /** The largest violation of the conditions, as a part of what l1 allows. */
    double violation(double l1, double l2, double[] w) {
      double worst = 0;
      for (int j = 0; j < w.length; j++) {
        double gradient = 2 * (l2 * w[j] - c[j]);
        for (int k = 0; k < w.length; k++) {
          gradient += 2 * g[j][k] * w[k];
        }
        worst =
            Math.max(
                worst,
                w[j] == 0 ? Math.abs(gradient) - l1 : Math.abs(gradient + l1 * Math.signum(w[j])));
      }
      return worst / l1;
    }
  }

  /** Normal, then with columns repeated, opposite, nearly repeated, or zero. */
  private static Problem problem(String kind, int n, int d, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] x = new double[n][d];
    double[] y = new double[n];
    for (int i = 0; i < n; i++) {
      double shared = random.nextGaussian();
      for (int j = 0; j < d; j++) {
        x[i][j] = random.nextGaussian() + (kind.equals("shared") ? 30 * shared : 0);
        y[i] += j % 3 == 0 ? x[i][j] : 0;
      }
      y[i] += random.nextGaussian();
      switch (kind) {
        case "repeated" -> x[i][1] = x[i][0];
        case "opposite" -> x[i][1] = -3 * x[i][0];
        case "nearly" -> x[i][1] = x[i][0] + 1e-6 * x[i][1];
        case "sum" -> x[i][2] = x[i][0] + x[i][1];
        case "zero" -> x[i][d - 1] = 0;
        default -> {}
      }
    }
    return new Problem(x, y);
  }

  @ParameterizedTest
  @CsvSource({
    "plain, 50, 8",
    "plain, 8, 30",
    "plain, 2, 5",
    "plain, 20, 1",
    "plain, 400, 150",
    "shared, 60, 12",
    "shared, 10, 40",
    "repeated, 40, 6",
    "opposite, 40, 6",
    "nearly, 40, 6",
    "sum, 40, 6",
    "zero, 40, 6",
    "zero, 4, 6",
  })
  void optimalityConditionsHold(String kind, int n, int d) {
    for (long seed = 1; seed <= 4; seed++) {
      Problem problem = problem(kind, n, d, seed);
      CoordinateDescent descent = problem.descent();
      double[] w = new double[d];
      for (double part = 1; part > 1e-4; part /= 4) {
        double l1 = part * descent.largestL1();
        for (double l2 : new double[] {l1, 0}) {
          CoordinateDescent.Outcome outcome = descent.solve(l1, l2, w);
          String what = "%s, seed %d, l1 %s, l2 %s: %s".formatted(kind, seed, l1, l2, outcome);
          assertTrue(outcome.converged(), what);
          assertTrue(problem.violation(l1, l2, w) < 1e-5, what);
        }
      }
    }
  }

  @Test
  void newtonStepsReachRounding() {
    Problem problem = problem("shared", 60, 12, 1);
    CoordinateDescent descent = problem.descent();
    double[] w = new double[12];
    double l1 = 1e-3 * descent.largestL1();
    assertTrue(descent.solve(l1, 0, w).sweeps() < 500);
    assertTrue(problem.violation(l1, 0, w) < 1e-9);
  }

  @Test
  void aboveTheLargestL1AllAreZero() {
    Problem problem = problem("plain", 30, 5, 1);
    double[] w = {1, -2, 3, 0, 5};
    CoordinateDescent descent = problem.descent();
    assertTrue(descent.solve(descent.largestL1(), 0, w).converged());
    for (double value : w) {
      assertEquals(0, value);
    }
    descent.solve(0.999 * descent.largestL1(), 0, w);
    int count = 0;
    for (double value : w) {
      count += value == 0 ? 0 : 1;
    }
    assertEquals(1, count);
  }

  @Test
  void noTargetIsNoWork() {
    CoordinateDescent descent =
        new CoordinateDescent(new double[][] {{1, 0}, {0, 0}}, new double[2], 0);
    double[] w = new double[2];
    assertEquals(new CoordinateDescent.Outcome(true, 0, 2, 2), descent.solve(1, 0, w));
  }

  /** The target is a combination of the columns: the objective goes to zero with l1. */
  @Test
  void exactFit() {
    double[][] x = {{1, 0}, {0, 2}, {1, 1}};
    Problem problem = new Problem(x, new double[] {3, -4, 1});
    double[] w = new double[2];
    assertTrue(problem.descent().solve(1e-6 * problem.descent().largestL1(), 0, w).converged());
    assertEquals(3, w[0], 1e-4);
    assertEquals(-2, w[1], 1e-4);
  }

  @Test
  void endsWhereRoundingForbidsConvergence() {
    Problem problem = problem("nearly", 40, 6, 1);
    CoordinateDescent descent = problem.descent();
    CoordinateDescent.Outcome outcome =
        descent.solve(1e-17 * descent.largestL1(), 0, new double[6]);
    assertTrue(outcome.sweeps() <= CoordinateDescent.MAX_SWEEPS + 11L, outcome::toString);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void l1IsAboveZero(double l1) {
    CoordinateDescent descent = problem("plain", 10, 3, 1).descent();
    assertThrows(IllegalArgumentException.class, () -> descent.solve(l1, 0, new double[3]));
  }

  @Test
  void nonsenseIsRefused() {
    CoordinateDescent descent = problem("plain", 10, 3, 1).descent();
    assertThrows(IllegalArgumentException.class, () -> descent.solve(1, -1, new double[3]));
    assertThrows(IllegalArgumentException.class, () -> descent.solve(1, 0, new double[2]));
    assertThrows(
        IllegalArgumentException.class,
        () -> descent.solve(1e-3, 0, new double[] {Double.NaN, 0, 0}));
    CoordinateDescent broken =
        new CoordinateDescent(
            new double[][] {{1, Double.NaN}, {Double.NaN, 1}}, new double[] {1, 2}, 5);
    assertThrows(ArithmeticException.class, () -> broken.solve(1e-3, 0, new double[2]));
    assertThrows(
        IllegalArgumentException.class,
        () -> new CoordinateDescent(new double[2][2], new double[3], 1));
  }
}
