package dev.panagrad.solver;

/**
 * Conjugate gradients for least squares, with or without an L2 penalty, without forming X^T X: each
 * iteration minimises the objective over one more direction, conjugate to all before it.
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
 * rounding to their type hides neither. The gradient is evaluated anew every {@value #REFRESH}
 * iterations, and before the end is believed: the recurrence drifts from it.
 *
 * <p>With condition number c of the Hessian the distance to the minimum, in the norm of the
 * Hessian, shrinks by {@code (sqrt(c) - 1) / (sqrt(c) + 1)} per iteration or faster, where plain
 * descent has {@code (c - 1) / (c + 1)}; in exact arithmetic it is zero after as many iterations as
 * the Hessian has distinct eigenvalues.
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
  public boolean acceptsL1() {
    return false;
  }

  @Override
  public boolean needsQuadratic() {
    return true;
  }

  @Override
  public Run start(Objective objective, double[] initial, double tolerance) {
    return new Iterations(objective, initial, tolerance);
  }

  private static final class Iterations implements Run {
    private final Objective objective;
    private final double tolerance;
    private final double[] w;
    private final double[] g;
    private final double[] d;
    private final double[] probe;
    private final double[] product;
    private double firstNorm = Double.NaN;
    private double squares;
    private double bestSquares = Double.POSITIVE_INFINITY;
    private double[] best;
    private double step = Double.NaN;
    private int sinceRefresh;
    private Status status = Status.GOING_ON;

    Iterations(Objective objective, double[] initial, double tolerance) {
      this.objective = objective;
      this.tolerance = tolerance;
      w = initial.clone();
      best = w;
      g = new double[w.length];
      d = new double[w.length];
      probe = new double[w.length];
      product = new double[w.length];
    }

    @Override
    public Status iterate() {
      if (status == Status.GOING_ON) {
        status = advance();
      }
      return status;
    }

    private Status advance() {
      if (Double.isNaN(firstNorm)) {
        refresh();
        firstNorm = Math.sqrt(squares);
        if (squares == 0) {
          return Status.CONVERGED;
        }
      }
      double scale = probeLength();
      for (int i = 0; i < w.length; i++) {
        probe[i] = w[i] + scale * d[i];
      }
      objective.evaluate(probe, product);
      double slope = 0;
      double curvature = 0;
      for (int i = 0; i < w.length; i++) {
        product[i] = (product[i] - g[i]) / scale;
        slope += g[i] * d[i];
        curvature += product[i] * d[i];
      }
      if (!(curvature > 0) || !(slope < 0)) {
        return Status.STALLED;
      }
      step = -slope / curvature;
      Vectors.add(step, d, w);
      Vectors.add(step, product, g);
      double before = squares;
      squares = Vectors.dot(g, g);
      double enough = tolerance * firstNorm;
      if (++sinceRefresh == REFRESH || squares <= enough * enough) {
        double carried = squares;
        refresh();
        if (squares <= enough * enough) {
          return Status.CONVERGED;
        }
        if (squares >= bestSquares && carried < squares / 4) {
          // The recurrence goes on, the gradient does not: it is rounding.
          return Status.STALLED;
        }
        keepBest();
        return Status.GOING_ON;
      }
      double share = squares / before;
      for (int i = 0; i < d.length; i++) {
        d[i] = share * d[i] - g[i];
      }
      return Status.GOING_ON;
    }

    private double probeLength() {
      double length = Vectors.norm(d);
      return Math.max(1, Vectors.norm(w)) / length;
    }

    private void keepBest() {
      if (squares < bestSquares) {
        bestSquares = squares;
        best = w.clone();
      }
    }

    /** The true gradient, and steepest descent from here. */
    private void refresh() {
      objective.evaluate(w, g);
      squares = Vectors.dot(g, g);
      sinceRefresh = 0;
      for (int i = 0; i < d.length; i++) {
        d[i] = -g[i];
      }
    }

    @Override
    public double[] parameters() {
      return status == Status.STALLED && squares > bestSquares ? best : w;
    }

    @Override
    public double stepLength() {
      return step;
    }
  }
}
