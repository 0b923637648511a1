package dev.panagrad.solver;

import java.util.Arrays;

/**
 * Conjugate gradients for least squares, with or without an L2 penalty, without forming X^T X: each
 * iteration minimizes the objective over one more direction, conjugate to all before it.
 *
 * <pre>
 *   d   = -g at first, later -g + (g.g / g_before.g_before) d
 *   H d = (gradient(w + t d) - g) / t           one pass
 *   a   = -g.d / d.H d
 *   w   = w + a d        g = g + a H d
 * </pre>
 *
 * The gradient of a quadratic is linear, so that one evaluation per iteration gives both the
 * curvature along d and the next gradient. t makes the probe as long as the parameters, so that
 * rounding to their type hides neither. Groups have steps of their own. The gradient is evaluated
 * anew every {@value #REFRESH} iterations, and before the end is believed: the recurrence drifts.
 *
 * <p>With condition number c of the Hessian the distance to the minimum, in the norm of the
 * Hessian, shrinks by {@code (sqrt(c) - 1) / (sqrt(c) + 1)} per iteration or faster, where plain
 * descent has {@code (c - 1) / (c + 1)}.
 *
 * <p>Source: Hestenes and Stiefel (1952), Methods of conjugate gradients for solving linear
 * systems; Nocedal and Wright, Numerical Optimization (2006), section 5.1.
 */
public record ConjugateGradient() implements Solver {
  static final int REFRESH = 50;

  @Override
  public String name() {
    return "cg";
  }

  @Override
  public boolean needsQuadratic() {
    return true;
  }

  @Override
  public Run start(Objective objective, double[] initial, double tolerance) {
    return new Descent(objective, initial, tolerance);
  }

  private static final class Descent extends Iterations {
    private double[] d;
    private final double[] probe;
    private final double[] product;
    private double[] squares; // by group
    private final double[] slope;
    private final double[] curvature;
    private double[] value;
    private double bestSquares = Double.POSITIVE_INFINITY;
    private double[] best;
    private double bend = Double.NaN; // curvature along the last direction
    private int sinceRefresh;
    private boolean isFirst = true;

    Descent(Objective objective, double[] initial, double tolerance) {
      super(objective, initial, tolerance);
      best = initial.clone();
      d = new double[w.length];
      probe = new double[w.length];
      product = new double[w.length];
      squares = new double[objective.groups()];
      slope = new double[squares.length];
      curvature = new double[squares.length];
      value = new double[squares.length];
    }

    @Override
    Status advance() {
      if (!hasBegun()) {
        refresh();
        Arrays.setAll(d, i -> -g[i]);
        began(Math.sqrt(total(squares)), total(value));
        if (total(squares) == 0) {
          return Status.CONVERGED;
        }
      }
      if (!step()) {
        return Status.STALLED;
      }
      double[] before = squares.clone();
      sumSquares();
      double carried = total(squares);
      if (++sinceRefresh == REFRESH || isSmall(Math.sqrt(carried))) {
        refresh();
        double found = total(squares);
        if (isFlat(Math.sqrt(found), found / (2 * bend), total(value))) {
          return Status.CONVERGED;
        }
        if (found >= bestSquares && carried < found / 4) {
          // The recurrence goes on, the gradient does not: it is rounding.
          return Status.STALLED;
        }
        if (found < bestSquares) {
          bestSquares = found;
          best = w.clone();
        }
      }
      turn(before);
      return Status.GOING_ON;
    }

    /** Sets the next direction, also after a refresh: what was learned is kept. */
    private void turn(double[] before) {
      Arrays.fill(slope, 0);
      for (int i = 0; i < d.length; i++) {
        int group = objective.group(i);
        double share = before[group] == 0 ? 0 : squares[group] / before[group];
        d[i] = share * d[i] - g[i];
        slope[group] += g[i] * d[i];
      }
      for (int i = 0; i < d.length; i++) {
        if (slope[objective.group(i)] >= 0) {
          d[i] = -g[i];
        }
      }
    }

    /** Goes to the minimum along each group's direction; false if there is none in any. */
    private boolean step() {
      double length = Math.max(1, Vectors.norm(w));
      double move = probe(length);
      // At first nothing says how long the parameters are: where a probe of length 1 is lost in the
      // rounding of the gradient, a longer one is made.
      for (int trial = 0; isFirst && trial < 8 && !(move < 1e3 * length); trial++) {
        length = move > 0 && move < Double.POSITIVE_INFINITY ? move : 1e3 * length;
        move = probe(length);
      }
      isFirst = false;
      boolean isMoving = false;
      for (int group = 0; group < slope.length; group++) {
        boolean isDown = slope[group] < 0 && curvature[group] > 0;
        step = isDown ? -slope[group] / curvature[group] : 0;
        value[group] += step * slope[group] / 2;
        slope[group] = step;
        isMoving |= isDown;
      }
      for (int i = 0; i < w.length; i++) {
        double taken = slope[objective.group(i)];
        w[i] += taken * d[i];
        g[i] += taken * product[i];
      }
      return isMoving;
    }

    /**
     * Slopes and curvatures along the directions, by a probe of that length; returns how long a
     * step to their minima is, by all groups together, or NaN.
     */
    private double probe(double length) {
      double scale = length / Vectors.norm(d);
      for (int i = 0; i < w.length; i++) {
        probe[i] = w[i] + scale * d[i];
      }
      objective.evaluate(probe, product);
      Arrays.fill(slope, 0);
      Arrays.fill(curvature, 0);
      for (int i = 0; i < w.length; i++) {
        int group = objective.group(i);
        product[i] = (product[i] - g[i]) / scale;
        slope[group] += g[i] * d[i];
        curvature[group] += product[i] * d[i];
      }
      double norm = Vectors.norm(d);
      bend = total(curvature) / norm / norm;
      return bend > 0 ? -total(slope) / bend / norm : Double.NaN;
    }

    private void refresh() {
      objective.evaluate(w, g);
      Arrays.setAll(value, objective::value);
      sumSquares();
      sinceRefresh = 0;
    }

    private void sumSquares() {
      Arrays.fill(squares, 0);
      for (int i = 0; i < g.length; i++) {
        squares[objective.group(i)] += g[i] * g[i];
      }
    }

    private static double total(double[] groups) {
      double sum = 0;
      for (double part : groups) {
        sum += part;
      }
      return sum;
    }

    @Override
    public double value(int group) {
      return value[requireGroup(group)];
    }

    @Override
    public double[] parameters() {
      return status() == Status.STALLED && total(squares) > bestSquares ? best : w;
    }

    @Override
    public void exchange(RunState state) {
      super.exchange(state);
      g = state.vector("g", g);
      d = state.vector("d", d);
      best = state.vector("best", best);
      bestSquares = state.number("best-squares", bestSquares);
      squares = state.vector("squares", squares);
      value = state.vector("value", value);
      step = state.number("step", step);
      bend = state.number("bend", bend);
      sinceRefresh = state.count("since-refresh", sinceRefresh, 0, REFRESH);
      isFirst = state.count("is-first", isFirst ? 1 : 0, 0, 1) == 1;
    }
  }
}
