package dev.panagrad.solver;

import dev.panagrad.rule.Checks;
import java.util.Arrays;

/**
 * Minimizes {@code w.G w - 2 c.w + q + l1 |w|_1 + l2 |w|^2}, the lasso or elastic net of normal
 * equations, one coefficient at a time, from a warm start.
 *
 * <pre>
 *   r   = c - G w                                carried along: r -= change * G_j
 *   w_j = soft(r_j + G_jj w_j, l1 / 2) / (G_jj + l2)
 * </pre>
 *
 * A round is a sweep over all coefficients, up to {@value #INNER_SWEEPS} over those that are not
 * zero (the active set A), and a Newton step for these: with their signs s fixed the objective is a
 * quadratic, whose minimum is at
 *
 * <pre>
 *   (G_AA + l2 I) (w_A + step) = c_A - (l1 / 2) s
 * </pre>
 *
 * The step ends where the first coefficient changes its sign, which leaves the active set, and up
 * to {@value #NEWTON_STEPS} follow. Where G_AA is singular, coefficients move along a combination
 * of columns that is zero, in the direction in which L1 falls, until one of them is zero. Descent
 * finds the active set, and the steps the minimum on it; none is taken for more than {@value
 * #MAX_FACTORIZED} coefficients.
 *
 * <p><b>Stopping rule.</b> With {@code h = 2 (r - l2 w)}, R the objective without its L1 term and
 * {@code s = min(1, l1 / max|h|)}, the scaled residual is feasible for the dual problem, and the
 * duality gap
 *
 * <pre>
 *   gap = (1 - s)^2 R + sum_j (l1 |w_j| - s w_j h_j)
 * </pre>
 *
 * bounds how far the objective is above its minimum. In this form, unlike as the difference of both
 * objectives, no terms of size q cancel. The solution has converged when the gap is at most {@value
 * #TOLERANCE} of the objective (of {@code 1e-10 q}, if it is smaller: what is below is rounding);
 * after a Newton step, coefficients satisfy the optimality conditions to rounding.
 *
 * <p>It ends without having converged after {@value #MAX_SWEEPS} sweeps, or when {@value #PATIENCE}
 * rounds have not made the gap smaller, which rounding prevents for some l1 below about 1e-10 of
 * the smallest for which all coefficients are zero.
 *
 * <p>Cost: d multiply-adds for a sweep and d for each coefficient that changes; {@code |A|^3 / 6}
 * for a Newton step. Threading: one thread at a time.
 *
 * <p>Sources: Friedman, Hastie and Tibshirani (2010), Regularization paths for generalized linear
 * models via coordinate descent, for covariance updates, active sets and warm starts; Kim, Koh,
 * Lustig, Boyd and Gorinevsky (2007), An interior-point method for large-scale l1-regularized least
 * squares, for the dual point.
 */
public final class CoordinateDescent {
  static final double TOLERANCE = 1e-10;
  static final int INNER_SWEEPS = 10;
  static final int NEWTON_STEPS = 20;
  static final int MAX_SWEEPS = 20_000;
  static final int PATIENCE = 50;
  static final int MAX_FACTORIZED = 512;
  private static final double SINGULAR = 1e-13; // part of a pivot below which it is rounding
  private static final int REFINEMENTS = 2;

  private final double[][] g;
  private final double[] c;
  private final double q;
  private final double[] r;
  private final int[] active;
  private int actives;
  private double l1;
  private double l2;
  private long sweeps;
  private double multiplyAdds;

  /**
   * Says whether the gap, as a part of the objective, is small enough, after how many sweeps over
   * all or the active coefficients, and multiplications with an addition.
   */
  public record Outcome(boolean converged, double relativeGap, long sweeps, double multiplyAdds) {}

  /**
   * Takes a problem, whose arrays are kept and not changed: symmetric, positive semidefinite G
   * [d][d], right side c [d], and the objective at w = 0, q. A zero on the diagonal of G leaves
   * that coefficient as it is.
   */
  public CoordinateDescent(double[][] g, double[] c, double q) {
    Vectors.requireSystem(g, c);
    this.g = g;
    this.c = c;
    this.q = Checks.nonNegative("objective at zero", q);
    this.r = new double[c.length];
    this.active = new int[c.length];
  }

  /** Returns the smallest l1 for which all coefficients are zero: {@code 2 max|c|}. */
  public double largestL1() {
    return 2 * Arrays.stream(c).map(Math::abs).max().orElse(0);
  }

  /**
   * Minimizes, from a start w [d], which receives the solution.
   *
   * @param l1 above 0; without it the problem is linear, see {@link ShiftedSystem}
   * @throws ArithmeticException if the gap is not finite: the problem or the start is not
   */
  public Outcome solve(double l1, double l2, double[] w) {
    this.l1 = Checks.positive("l1", l1);
    this.l2 = Checks.nonNegative("l2", l2);
    Vectors.requireLength("coefficients", w, c.length);
    for (int j = 0; j < w.length; j++) {
      if (!Double.isFinite(w[j])) {
        throw new IllegalArgumentException(
            "coefficient %d of the start is %s".formatted(j + 1, w[j]));
      }
    }
    sweeps = 0;
    multiplyAdds = 0;
    double best = Double.POSITIVE_INFINITY;
    int sinceBest = 0;
    residual(w);
    while (true) {
      sweepAll(w);
      for (int i = 0; i < INNER_SWEEPS && sweepActive(w); i++) {}
      for (int i = 0; i < NEWTON_STEPS && newton(w); i++) {}
      residual(w);
      double gap = relativeGap(w);
      if (!Double.isFinite(gap)) {
        throw new ArithmeticException(
            "the duality gap is %s: products of columns or coefficients are not finite"
                .formatted(gap));
      }
      sinceBest = gap < best ? 0 : sinceBest + 1;
      best = Math.min(gap, best);
      boolean converged = gap <= TOLERANCE;
      if (converged || sinceBest > PATIENCE || sweeps > MAX_SWEEPS) {
        return new Outcome(converged, gap, sweeps, multiplyAdds);
      }
    }
  }

  /** {@code r = c - G w}, without what rounding has carried along. */
  private void residual(double[] w) {
    System.arraycopy(c, 0, r, 0, r.length);
    for (int j = 0; j < w.length; j++) {
      if (w[j] != 0) {
        Vectors.add(-w[j], g[j], r);
        multiplyAdds += r.length;
      }
    }
  }

  private void sweepAll(double[] w) {
    actives = 0;
    for (int j = 0; j < w.length; j++) {
      update(j, w);
      if (w[j] != 0) {
        active[actives++] = j;
      }
    }
    sweeps++;
    multiplyAdds += w.length;
  }

  /** True if another sweep over the active coefficients would change much. */
  private boolean sweepActive(double[] w) {
    double fall = 0;
    for (int i = 0; i < actives; i++) {
      fall = Math.max(fall, update(active[i], w));
    }
    sweeps++;
    multiplyAdds += actives;
    return fall > TOLERANCE * q;
  }

  /** The new value of a coefficient; gives about what the objective falls by. */
  private double update(int j, double[] w) {
    double square = g[j][j];
    if (!(square > 0)) {
      return 0;
    }
    double z = r[j] + square * w[j];
    double next = Math.abs(z) <= l1 / 2 ? 0 : (z - Math.copySign(l1 / 2, z)) / (square + l2);
    double change = next - w[j];
    if (change == 0) {
      return 0;
    }
    w[j] = next;
    Vectors.add(-change, g[j], r);
    multiplyAdds += r.length;
    return change * change * (square + l2);
  }

  /**
   * Goes to the minimum over the active coefficients with their signs, or to the first change of
   * one; true if one became zero, so that there is another step to take.
   */
  private boolean newton(double[] w) {
    int count = 0;
    for (int i = 0; i < actives; i++) {
      if (w[active[i]] != 0) {
        active[count++] = active[i];
      }
    }
    actives = count;
    if (count == 0 || count > MAX_FACTORIZED) {
      return false;
    }
    double[][] lower = new double[count][];
    for (int i = 0; i < count; i++) {
      lower[i] = new double[i + 1];
      for (int j = 0; j <= i; j++) {
        lower[i][j] = g[active[i]][active[j]];
      }
      lower[i][i] += l2;
    }
    int rank = factorize(lower);
    if (rank < count) {
      return move(combination(lower, rank, w), w);
    }
    for (int pass = 0; pass <= REFINEMENTS; pass++) {
      double[] step = new double[count];
      Arrays.setAll(step, i -> descent(active[i], w));
      forward(lower, step, count);
      backward(lower, step, count);
      if (move(step, w)) {
        return true;
      }
    }
    return false;
  }

  /** Half of the objective's slope downwards, for a coefficient that is not zero. */
  private double descent(int j, double[] w) {
    return r[j] - l2 * w[j] - l1 / 2 * Math.signum(w[j]);
  }

  /**
   * A combination of columns that is zero but for rounding: along it only L1 changes, and falls
   * until a coefficient is zero.
   */
  private double[] combination(double[][] lower, int rank, double[] w) {
    double[] v = new double[lower.length];
    System.arraycopy(lower[rank], 0, v, 0, rank);
    backward(lower, v, rank);
    v[rank] = -1;
    double slope = 0;
    for (int i = 0; i <= rank; i++) {
      slope += v[i] * descent(active[i], w);
    }
    // As far as the first zero: further than any of them is away.
    double farthest = 0;
    for (int i = 0; i <= rank; i++) {
      double towards = slope >= 0 ? v[i] : -v[i];
      if (towards * w[active[i]] < 0) {
        farthest = Math.max(farthest, Math.abs(w[active[i]] / v[i]));
      }
    }
    for (int i = 0; i <= rank; i++) {
      v[i] *= slope >= 0 ? farthest : -farthest;
    }
    return v;
  }

  /** Goes along the step until a coefficient is zero; true if there is one on the way. */
  private boolean move(double[] step, double[] w) {
    double part = 1;
    int first = -1;
    for (int i = 0; i < step.length; i++) {
      double value = w[active[i]];
      if (step[i] != 0 && value * (value + step[i]) <= 0 && -value / step[i] <= part) {
        part = -value / step[i];
        first = i;
      }
    }
    for (int i = 0; i < step.length; i++) {
      int j = active[i];
      double next = w[j] + part * step[i];
      next = i == first || next * w[j] < 0 ? 0 : next;
      if (next != w[j]) {
        Vectors.add(w[j] - next, g[j], r);
        w[j] = next;
        multiplyAdds += r.length;
      }
    }
    return first >= 0;
  }

  /**
   * Cholesky's factor in place, as far as rows are independent but for rounding; returns how many
   * are. Of the next row, all but the diagonal is there.
   */
  private int factorize(double[][] lower) {
    int n = lower.length;
    multiplyAdds += (double) n * n * n / 6;
    for (int i = 0; i < n; i++) {
      double[] row = lower[i];
      double before = row[i];
      forward(lower, row, i);
      double pivot = before;
      for (int k = 0; k < i; k++) {
        pivot -= row[k] * row[k];
      }
      if (!(pivot > SINGULAR * before)) {
        return i;
      }
      row[i] = Math.sqrt(pivot);
    }
    return n;
  }

  /** {@code L x = x}, for the first n rows. */
  private static void forward(double[][] lower, double[] x, int n) {
    for (int i = 0; i < n; i++) {
      double[] row = lower[i];
      double sum = x[i];
      for (int k = 0; k < i; k++) {
        sum -= row[k] * x[k];
      }
      x[i] = sum / row[i];
    }
  }

  /** {@code L^T x = x}, for the first n rows. */
  private static void backward(double[][] lower, double[] x, int n) {
    for (int i = n - 1; i >= 0; i--) {
      double[] row = lower[i];
      x[i] /= row[i];
      for (int k = 0; k < i; k++) {
        x[k] -= row[k] * x[i];
      }
    }
  }

  private double relativeGap(double[] w) {
    double steepest = 0;
    double magnitudes = 0;
    double smooth = q;
    for (int j = 0; j < w.length; j++) {
      if (g[j][j] > 0) {
        steepest = Math.max(steepest, Math.abs(2 * (r[j] - l2 * w[j])));
      }
      magnitudes += Math.abs(w[j]);
      smooth += w[j] * (l2 * w[j] - c[j] - r[j]);
    }
    double s = steepest > l1 ? l1 / steepest : 1;
    double gap = (1 - s) * (1 - s) * Math.max(smooth, 0);
    for (int j = 0; j < w.length; j++) {
      gap += l1 * Math.abs(w[j]) - s * w[j] * 2 * (r[j] - l2 * w[j]);
    }
    // Without a variance there is nothing to be explained.
    double objective = Math.max(smooth + l1 * magnitudes, 1e-10 * q);
    return gap == 0 ? 0 : Math.max(gap, 0) / Math.max(objective, Double.MIN_NORMAL);
  }
}
