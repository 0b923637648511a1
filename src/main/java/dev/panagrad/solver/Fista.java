package dev.panagrad.solver;

/**
 * Runs accelerated proximal gradient descent with restarts, for smooth objectives with or without
 * an L1 penalty.
 *
 * <pre>
 *   w+ = prox(y - gradient(y) / L)           prox: soft threshold by l1 / L
 *   t+ = (1 + sqrt(1 + 4 t^2)) / 2
 *   y  = w+ + (t - 1) / t+ (w+ - w)
 *   restart (t = 1, y = w+)                  when (y - w+).(w+ - w) > 0
 * </pre>
 *
 * L is the largest curvature where the objective knows it; else it is found by doubling until the
 * quadratic with that curvature is above the objective, which takes a second evaluation. The value
 * falls as {@code 1/k^2}; where the objective is strongly convex with condition number c, restarts
 * make that linear, some {@code sqrt(c)} iterations for each digit, without knowing c.
 *
 * <p>Sources: Beck and Teboulle (2009), A fast iterative shrinkage-thresholding algorithm for
 * linear inverse problems; O'Donoghue and Candes (2015), Adaptive restart for accelerated gradient
 * schemes, for the restart by gradients.
 */
public record Fista() implements Solver {
  @Override
  public String name() {
    return "fista";
  }

  @Override
  public boolean acceptsL1() {
    return true;
  }

  @Override
  public Run start(Objective objective, double[] initial, double tolerance) {
    return new Descent(objective, initial, tolerance);
  }

  private static final class Descent extends Iterations {
    // Iterations that may pass without a shorter proximal gradient or a lower value, or half of
    // all: under momentum both grow for long where the condition number is large.
    private static final int PATIENCE = 1000;
    private final boolean isKnown;
    private double curvature;
    private double t = 1;
    private double[] next;
    private double[] y;
    private final double[] other;
    private double shortest = Double.POSITIVE_INFINITY;
    private double lowest = Double.POSITIVE_INFINITY; // of the smooth part, without L1
    private int sinceShortest;
    private int iterations;

    Descent(Objective objective, double[] initial, double tolerance) {
      super(objective, initial, tolerance);
      isKnown = !Double.isNaN(objective.largestCurvature());
      curvature = isKnown ? objective.largestCurvature() : 1;
      next = new double[w.length];
      y = initial.clone();
      other = new double[w.length];
    }

    @Override
    Status advance() {
      double value = objective.evaluate(y, g);
      step();
      while (!isKnown && isTooFar(value)) {
        curvature *= 2;
        if (curvature == Double.POSITIVE_INFINITY) {
          return Status.STALLED;
        }
        step();
      }
      double squares = 0;
      double turn = 0;
      for (int i = 0; i < y.length; i++) {
        double way = y[i] - next[i];
        squares += way * way;
        turn += way * (next[i] - w[i]);
      }
      double norm = curvature * Math.sqrt(squares);
      if (!hasBegun()) {
        began(norm, value);
      }
      momentum(turn > 0);
      if (isFlat(norm, norm * norm / (2 * curvature), value)) {
        return Status.CONVERGED;
      }
      boolean isProgress = norm < shortest || value < lowest - rounding(value);
      sinceShortest = isProgress ? 0 : sinceShortest + 1;
      shortest = Math.min(norm, shortest);
      lowest = Math.min(value, lowest);
      iterations++;
      return sinceShortest > Math.max(PATIENCE, iterations / 2) ? Status.STALLED : Status.GOING_ON;
    }

    /** True also where the value at the next parameters is none: they are far too far. */
    private boolean isTooFar(double value) {
      double there = objective.evaluate(next, other);
      return !Double.isFinite(there) || (there > bound(value) && isSteeper());
    }

    private void step() {
      double rate = 1 / curvature;
      for (int i = 0; i < y.length; i++) {
        double z = y[i] - rate * g[i];
        double threshold = rate * objective.l1(i);
        next[i] = Math.signum(z) * Math.max(Math.abs(z) - threshold, 0);
      }
    }

    /** The quadratic around y at the next parameters, with room for rounding. */
    private double bound(double value) {
      double sum = value;
      for (int i = 0; i < y.length; i++) {
        double way = next[i] - y[i];
        sum += g[i] * way + curvature / 2 * way * way;
      }
      return sum + 1e-12 * Math.abs(value);
    }

    /**
     * Where values differ by less than their rounding, gradients still tell: for a convex loss
     * {@code (g(next) - g(y)).(next - y) <= curvature / 2 |next - y|^2} implies that the quadratic
     * is above it.
     */
    private boolean isSteeper() {
      double bend = 0;
      double squares = 0;
      for (int i = 0; i < y.length; i++) {
        double way = next[i] - y[i];
        bend += (other[i] - g[i]) * way;
        squares += way * way;
      }
      return bend > curvature / 2 * squares;
    }

    private void momentum(boolean restarts) {
      double before = t;
      t = restarts ? 1 : (1 + Math.sqrt(1 + 4 * t * t)) / 2;
      double factor = restarts ? 0 : (before - 1) / t;
      for (int i = 0; i < y.length; i++) {
        y[i] = next[i] + factor * (next[i] - w[i]);
      }
      double[] free = w;
      w = next;
      next = free;
    }

    @Override
    public double stepLength() {
      return 1 / curvature;
    }

    @Override
    public void exchange(RunState state) {
      super.exchange(state);
      y = state.vector("y", y);
      t = state.number("t", t);
      curvature = state.number("curvature", curvature);
      shortest = state.number("shortest", shortest);
      lowest = state.number("lowest", lowest);
      sinceShortest = state.count("since-shortest", sinceShortest, 0, Integer.MAX_VALUE);
      iterations = state.count("iterations", iterations, 0, Integer.MAX_VALUE);
    }
  }
}
