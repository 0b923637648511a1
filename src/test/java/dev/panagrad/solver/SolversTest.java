package dev.panagrad.solver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Methods on functions whose minimum is known. */
@Tag("first")
class SolversTest {
  /** {@code sum_i c_i (w_i - m_i)^2 / 2 + l1 |w_i|}, in two groups. */
  private static final class Separable implements Objective {
    private final double[] curvature;
    private final double[] minimum;
    private final double l1;
    private final boolean isKnown;
    private final double[] values = new double[2];
    private int evaluations;

    Separable(double[] curvature, double[] minimum, double l1, boolean isKnown) {
      this.curvature = curvature;
      this.minimum = minimum;
      this.l1 = l1;
      this.isKnown = isKnown;
    }

    @Override
    public int size() {
      return curvature.length;
    }

    @Override
    public double evaluate(double[] at, double[] gradient) {
      evaluations++;
      values[0] = 0;
      values[1] = 0;
      for (int i = 0; i < at.length; i++) {
        double way = at[i] - minimum[i];
        gradient[i] = curvature[i] * way;
        values[group(i)] += curvature[i] * way * way / 2;
      }
      return values[0] + values[1];
    }

    @Override
    public int groups() {
      return 2;
    }

    @Override
    public int group(int parameter) {
      return parameter % 2;
    }

    @Override
    public double value(int group) {
      return values[group];
    }

    @Override
    public double l1(int parameter) {
      return l1;
    }

    @Override
    public double largestCurvature() {
      double largest = 0;
      for (double c : curvature) {
        largest = Math.max(largest, c);
      }
      return isKnown ? largest : Double.NaN;
    }

    @Override
    public boolean isQuadratic() {
      return true;
    }
  }

  private static double[] curvatures(int n, double condition) {
    double[] c = new double[n];
    for (int i = 0; i < n; i++) {
      c[i] = 2 * Math.pow(condition, -(double) i / (n - 1));
    }
    return c;
  }

  private static double[] minimum(int n) {
    double[] m = new double[n];
    for (int i = 0; i < n; i++) {
      m[i] = (i % 3 - 1) * (1 + i * 0.1);
    }
    return m;
  }

  private static Solver.Run.Status run(Solver.Run run, int iterations) {
    Solver.Run.Status status = Solver.Run.Status.GOING_ON;
    for (int k = 0; k < iterations && status == Solver.Run.Status.GOING_ON; k++) {
      status = run.iterate();
    }
    return status;
  }

  @Test
  void quadraticsAreSolved() {
    for (double condition : new double[] {1, 10, 1e4}) {
      for (Solver solver : List.of(new ConjugateGradient(), new Lbfgs(), new Fista())) {
        for (boolean isKnown : new boolean[] {true, false}) {
          Separable f = new Separable(curvatures(12, condition), minimum(12), 0, isKnown);
          Solver.Run run = solver.start(f, new double[12], 1e-12);
          String what = solver + " " + condition;
          assertEquals(Solver.Run.Status.CONVERGED, run(run, 20_000), what);
          assertArrayEquals(minimum(12), run.parameters(), 1e-10 * condition, what);
          assertEquals(0, run.value(0) + run.value(1), 1e-10, what);
          assertEquals(Solver.Run.Status.CONVERGED, run.iterate(), "an end stays one");
        }
      }
    }
  }

  /** From every iteration on, in another run, with the same bits. */
  @Test
  void runsAreRestored() {
    for (Solver solver : List.of(new ConjugateGradient(), new Lbfgs(3), new Fista())) {
      for (boolean isKnown : new boolean[] {true, false}) {
        Separable f = new Separable(curvatures(12, 100), minimum(12), 0, isKnown);
        Solver.Run whole = solver.start(f, new double[12], 1e-12);
        for (int k = 0; k < 200 && whole.status() == Solver.Run.Status.GOING_ON; k++) {
          Map<String, double[]> saved = RunState.of(whole).vectors();
          Solver.Run part = solver.start(f, new double[12], 1e-12);
          part.iterate();
          RunState.restore(part, saved);
          assertState(saved, part, solver + " restored " + k);
          part.iterate();
          // The shared objective counts; what it computes is a function of the parameters.
          whole.iterate();
          assertState(RunState.of(whole).vectors(), part, solver + " goes on " + k);
          assertArrayEquals(whole.parameters(), part.parameters(), 0, solver + " " + k);
          assertEquals(whole.stepLength(), part.stepLength(), solver + " " + k);
        }
        assertEquals(Solver.Run.Status.CONVERGED, run(whole, 20_000), solver + " " + isKnown);
      }
    }
  }

  private static void assertState(Map<String, double[]> expected, Solver.Run run, String what) {
    Map<String, double[]> found = RunState.of(run).vectors();
    assertEquals(expected.keySet(), found.keySet(), what);
    expected.forEach((name, v) -> assertArrayEquals(v, found.get(name), 0, what + " " + name));
  }

  /** What no run can have saved is refused, whatever it is. */
  @Test
  void statesOfOthersAreRefused() {
    Separable f = new Separable(curvatures(12, 100), minimum(12), 0, true);
    for (Solver solver : List.of(new ConjugateGradient(), new Lbfgs(3), new Fista())) {
      Solver.Run run = solver.start(f, new double[12], 1e-12);
      run(run, 5);
      Map<String, double[]> saved = RunState.of(run).vectors();
      for (String name : saved.keySet()) {
        Map<String, double[]> missing = new HashMap<>(saved);
        missing.remove(name);
        assertRefused(solver, f, missing, "'" + name + "' is missing");
        Map<String, double[]> longer = new HashMap<>(saved);
        longer.put(name, new double[saved.get(name).length + 1]);
        assertRefused(solver, f, longer, "'" + name + "' is ");
      }
      for (double status : new double[] {-1, 3, 0.5, Double.NaN}) {
        Map<String, double[]> wrong = new HashMap<>(saved);
        wrong.put("status", new double[] {status});
        assertRefused(solver, f, wrong, "a whole number from 0 to 2");
      }
    }
    Map<String, double[]> tooMany =
        new HashMap<>(RunState.of(new Lbfgs(3).start(f, new double[12], 1)).vectors());
    tooMany.put("kept", new double[] {4});
    assertRefused(new Lbfgs(3), f, tooMany, "'kept' is 4.0 where a whole number from 0 to 3");
  }

  private static void assertRefused(
      Solver solver, Objective f, Map<String, double[]> vectors, String message) {
    Solver.Run run = solver.start(f, new double[12], 1e-12);
    run.iterate();
    Map<String, double[]> before = RunState.of(run).vectors();
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> RunState.restore(run, vectors));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    Map<String, double[]> after = RunState.of(run).vectors();
    assertEquals(before.keySet(), after.keySet());
    before.forEach((name, vector) -> assertArrayEquals(vector, after.get(name), name));
  }

  /**
   * More eigenvalues than pass between two evaluations of the gradient. Per iteration the distance
   * shrinks by {@code (1 - 1/sqrt(c)) / (1 + 1/sqrt(c))}, by theory, and 7 times as many are let
   * pass for what rounding costs.
   */
  @Test
  void manyEigenvalues() {
    for (double condition : new double[] {1e4, 1e6}) {
      Separable f = new Separable(curvatures(200, condition), minimum(200), 0, true);
      Solver.Run run = new ConjugateGradient().start(f, new double[200], 1e-9);
      assertEquals(Solver.Run.Status.CONVERGED, run(run, 7_000));
      double iterations = 7 * Math.sqrt(condition) / 2 * Math.log(2 * Math.sqrt(condition) / 1e-9);
      assertTrue(f.evaluations < Math.min(iterations, 5_000), condition + ": " + f.evaluations);
    }
  }

  /** As many iterations as a group has distinct curvatures, one evaluation each, and one before. */
  @Test
  void conjugateGradientsEndWithTheSpectrum() {
    Separable f = new Separable(new double[] {9, 4, 9, 1, 3, 4, 9, 4}, minimum(8), 0, true);
    Solver.Run run = new ConjugateGradient().start(f, new double[8], 1e-10);
    assertEquals(Solver.Run.Status.CONVERGED, run(run, 3));
    assertEquals(1 + 2 + 1, f.evaluations, "one before, two iterations, one to believe it");
  }

  @Test
  void shrinkageOfEachCoordinate() {
    double[] c = curvatures(9, 30);
    double[] m = minimum(9);
    double l1 = 0.4;
    for (boolean isKnown : new boolean[] {true, false}) {
      Separable f = new Separable(c, m, l1, isKnown);
      Solver.Run run = new Fista().start(f, new double[9], 1e-13);
      assertEquals(Solver.Run.Status.CONVERGED, run(run, 5000));
      for (int i = 0; i < 9; i++) {
        double expected = Math.signum(m[i]) * Math.max(Math.abs(m[i]) - l1 / c[i], 0);
        assertEquals(expected, run.parameters()[i], 1e-10);
      }
    }
  }

  /** Rosenbrock's valley: curved, so that steps must be searched for. */
  private static final class Valley implements Objective {
    private double value;

    @Override
    public int size() {
      return 2;
    }

    @Override
    public double evaluate(double[] at, double[] gradient) {
      double side = at[1] - at[0] * at[0];
      double way = 1 - at[0];
      gradient[0] = -400 * at[0] * side - 2 * way;
      gradient[1] = 200 * side;
      value = 100 * side * side + way * way;
      return value;
    }

    @Override
    public double value(int group) {
      return value;
    }

    @Override
    public double largestCurvature() {
      return Double.NaN;
    }

    @Override
    public boolean isQuadratic() {
      return false;
    }
  }

  @Test
  void curvedValley() {
    for (int memory : new int[] {1, 5, 10}) {
      Solver.Run run = new Lbfgs(memory).start(new Valley(), new double[] {-1.2, 1}, 1e-10);
      assertEquals(Solver.Run.Status.CONVERGED, run(run, 300), "memory " + memory);
      assertArrayEquals(new double[] {1, 1}, run.parameters(), 1e-7);
    }
  }

  /** Infinite is not small beside infinite. */
  @Test
  void gradientsThatOverflow() {
    Separable f = new Separable(new double[] {1, 2}, new double[] {1e200, 0}, 0, true);
    for (Solver solver : List.of(new Lbfgs(3), new Fista())) {
      Solver.Run run = solver.start(f, new double[2], 1e-9);
      String said = assertThrows(ArithmeticException.class, run::iterate).getMessage();
      assertTrue(said.contains("another unit"), said);
    }
  }

  /** Values that are not finite far away, and a slope that rounding turns around. */
  @Test
  void searchesThatFail() {
    Objective cliff =
        new Objective() {
          private double value;

          @Override
          public int size() {
            return 1;
          }

          @Override
          public double evaluate(double[] at, double[] gradient) {
            // Minimum at 1; infinite beyond 1.5.
            value = at[0] < 1.5 ? -Math.log(1.5 - at[0]) - 2 * at[0] : Double.POSITIVE_INFINITY;
            gradient[0] = at[0] < 1.5 ? 1 / (1.5 - at[0]) - 2 : Double.NaN;
            return value;
          }

          @Override
          public double value(int group) {
            return value;
          }

          @Override
          public double largestCurvature() {
            return Double.NaN;
          }

          @Override
          public boolean isQuadratic() {
            return false;
          }
        };
    Solver.Run run = new Lbfgs().start(cliff, new double[] {-200}, 1e-9);
    run(run, 200);
    assertEquals(1, run.parameters()[0], 1e-6);
    // No minimum at all.
    Separable wrong = new Separable(new double[] {-1, -1}, new double[] {1, 1}, 0, true);
    Solver.Run lost = new ConjugateGradient().start(wrong, new double[] {2, 3}, 1e-9);
    assertEquals(Solver.Run.Status.STALLED, run(lost, 5));
    assertArrayEquals(new double[] {2, 3}, lost.parameters(), 0);
  }
}
