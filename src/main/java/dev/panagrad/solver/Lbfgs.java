package dev.panagrad.solver;

import dev.panagrad.rule.Checks;
import java.util.Arrays;

/**
 * The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, for smooth objectives: the
 * direction is the gradient times an approximate inverse Hessian, which the last changes of
 * parameters, s, and of gradients, y, describe.
 *
 * <pre>
 *   q = g;    newest to oldest:  a_i = s_i.q / y_i.s_i,   q = q - a_i y_i
 *   q = q * (s.y / y.y of the newest)
 *   oldest to newest:            q = q + (a_i - y_i.q / y_i.s_i) s_i
 *   w = w - step * q                                      step: {@link StrongWolfe}
 * </pre>
 *
 * A step that meets the strong Wolfe conditions has {@code s.y > 0}, so that the direction always
 * goes down. Two vectors are kept for each remembered step. An iteration takes one evaluation when
 * the first step length, 1, is accepted, as it mostly is.
 *
 * <p>Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5.
 *
 * @param memory steps that are remembered, at least 1; 10 is usual
 */
public record Lbfgs(int memory) implements Solver {
  private static final int MAX_MEMORY = 100_000;

  public Lbfgs {
    Checks.size("memory", memory, 1, MAX_MEMORY);
  }

  public Lbfgs() {
    this(10);
  }

  @Override
  public String name() {
    return "lbfgs";
  }

  @Override
  public Run start(Objective objective, double[] initial, double tolerance) {
    return new Descent(objective, initial, tolerance, memory);
  }

  private static final class Descent extends Iterations {
    private static final int MOST_FLAT = 3;
    private static final int MOST_HALVINGS = 8;
    private final double[][] s;
    private final double[][] y;
    private final double[] products;
    private final double[] weights;
    private final double[] direction;
    private double value;
    private double[] values; // of the groups
    private int flatInRow; // iterations with nothing to gain
    private int kept;
    private int newest = -1;

    Descent(Objective objective, double[] initial, double tolerance, int memory) {
      super(objective, initial, tolerance);
      s = new double[memory][];
      y = new double[memory][];
      products = new double[memory];
      weights = new double[memory];
      direction = new double[w.length];
      values = new double[objective.groups()];
    }

    @Override
    Status advance() {
      if (!hasBegun()) {
        value = objective.evaluate(w, g);
        Arrays.setAll(values, objective::value);
        began(Vectors.norm(g), value);
        if (Vectors.norm(g) == 0) {
          return Status.CONVERGED;
        }
      }
      direction();
      double decrease = -Vectors.dot(g, direction) / 2;
      flatInRow = decrease <= rounding(value) ? flatInRow + 1 : 0;
      // Where it began at the minimum, no gradient is small beside the first.
      if (isFlat(Vectors.norm(g), decrease, value) || flatInRow >= MOST_FLAT) {
        flatInRow = Math.max(flatInRow, MOST_FLAT);
        boolean isLast = flatInRow == MOST_FLAT + MOST_HALVINGS;
        return !isLast && halvesGradient() ? Status.GOING_ON : Status.CONVERGED;
      }
      // Before any curvature is known: a step of length 1 at most.
      double first = kept == 0 ? Math.min(1, 1 / Vectors.norm(g)) : 1;
      StrongWolfe.Point found = new StrongWolfe(objective, w, direction, value, g).find(first);
      if (found == null) {
        boolean isAlongGradient = kept == 0;
        kept = 0;
        return isAlongGradient ? Status.STALLED : Status.GOING_ON;
      }
      step = found.step();
      remember(found.w(), found.g());
      w = found.w();
      g = found.g();
      value = found.value();
      values = found.values();
      return Status.GOING_ON;
    }

    /**
     * Takes a step of length 1 if it halves the gradient's length: where values are flat to their
     * rounding, parameters are still wrong by its root.
     */
    private boolean halvesGradient() {
      double[] nextW = w.clone();
      Vectors.add(1, direction, nextW);
      double[] nextG = new double[w.length];
      double next = objective.evaluate(nextW, nextG);
      if (!(next <= value + rounding(value) && Vectors.norm(nextG) <= Vectors.norm(g) / 2)) {
        return false;
      }
      remember(nextW, nextG);
      w = nextW;
      g = nextG;
      value = next;
      Arrays.setAll(values, objective::value);
      return true;
    }

    private void direction() {
      Arrays.setAll(direction, i -> -g[i]);
      int memory = s.length;
      for (int k = 0; k < kept; k++) {
        int at = Math.floorMod(newest - k, memory);
        weights[at] = Vectors.dot(s[at], direction) / products[at];
        Vectors.add(-weights[at], y[at], direction);
      }
      if (kept > 0) {
        double scale = products[newest] / Vectors.dot(y[newest], y[newest]);
        for (int i = 0; i < direction.length; i++) {
          direction[i] *= scale;
        }
      }
      for (int k = kept - 1; k >= 0; k--) {
        int at = Math.floorMod(newest - k, memory);
        double left = weights[at] - Vectors.dot(y[at], direction) / products[at];
        Vectors.add(left, s[at], direction);
      }
    }

    private void remember(double[] nextW, double[] nextG) {
      double[] ds = new double[w.length];
      double[] dy = new double[w.length];
      for (int i = 0; i < ds.length; i++) {
        ds[i] = nextW[i] - w[i];
        dy[i] = nextG[i] - g[i];
      }
      double product = Vectors.dot(ds, dy);
      if (!(product > 0)) {
        // Rounding: such a step would turn directions around.
        return;
      }
      newest = (newest + 1) % s.length;
      s[newest] = ds;
      y[newest] = dy;
      products[newest] = product;
      kept = Math.min(kept + 1, s.length);
    }

    @Override
    public double reach() {
      return status() == Status.CONVERGED ? Vectors.norm(direction) : Double.NaN;
    }

    /** Returns the value at its own point, not at the last that a line search tried. */
    @Override
    public double value(int group) {
      return values[requireGroup(group)];
    }

    @Override
    public void exchange(RunState state) {
      super.exchange(state);
      g = state.vector("g", g);
      value = state.number("value", value);
      values = state.vector("values", values);
      step = state.number("step", step);
      flatInRow = state.count("flat-in-row", flatInRow, 0, MOST_FLAT + MOST_HALVINGS);
      kept = state.count("kept", kept, 0, s.length);
      newest = state.count("newest", newest, kept == 0 ? -1 : 0, s.length - 1);
      for (int k = 0; k < kept; k++) {
        int at = Math.floorMod(newest - k, s.length);
        s[at] = state.vector("s" + at, s[at] == null ? w : s[at]);
        y[at] = state.vector("y" + at, y[at] == null ? w : y[at]);
        products[at] = state.number("product" + at, products[at]);
      }
    }
  }
}
