package dev.panagrad.train.objective;

import dev.panagrad.regression.NormalEquations;
import dev.panagrad.solver.Lanczos;
import dev.panagrad.solver.LinearOperator;
import dev.panagrad.solver.LinearSystem;
import dev.panagrad.train.rows.RowPlan;
import java.util.Arrays;

/**
 * The Hessian of one output's loss and L2 penalty: {@code (2/n) Z^T S Z + 2 l2}, for rows Z with a
 * column of ones where there is an intercept, which is not penalized, and weights S. All outputs
 * have the same.
 *
 * <p>For few features it is formed, once, and its spectrum is known to rounding. Otherwise a
 * product with it is the difference of two gradients, one pass over the rows, and some twenty of
 * them tell the largest eigenvalue to a percent or so, and nothing certain about the smallest.
 */
public final class Curvature implements LinearOperator {
  private static final int MAX_FORMED = 512; // features; its products are then a few milliseconds
  private static final double MAX_FORMING = 4e10; // multiply-adds: some seconds of one core
  private static final int MAX_PASSES = 30; // passes that an estimate may take
  private static final double ESTIMATE = 1e-2;

  private final RowsObjective objective;
  private final double factor;
  private final NormalEquations formed;
  private final int size;
  private double[] atZero;
  private double length;
  private final Lanczos.Spectrum spectrum;

  /**
   * Measures by the rows' normal equations, or by passes for null, which overwrite the parameters;
   * the factor is how much the loss's curvature may be above that of the squared error.
   */
  Curvature(RowsObjective objective, NormalEquations formed, double factor) {
    this.objective = objective;
    this.factor = factor;
    this.formed = formed;
    size = objective.features() + (objective.hasIntercept() ? 1 : 0);
    boolean isFormed = formed != null;
    spectrum = Lanczos.extremes(this, size, isFormed ? size : MAX_PASSES, isFormed ? 0 : ESTIMATE);
  }

  /** True where the spectrum over so many rows is had for little. */
  public static boolean canBeFormed(RowPlan plan, long trained, int features) {
    double d = features;
    return plan.memory() == 0 && d <= MAX_FORMED && trained * d * d <= MAX_FORMING;
  }

  /** The largest eigenvalue, or an estimate from below. */
  public double largest() {
    return spectrum.largest();
  }

  /** Root mean squares of the columns; where rows are not formed, what the largest allows. */
  public double[] columnSizes() {
    double[] sizes = new double[objective.features()];
    Arrays.fill(sizes, Math.sqrt(largest() / 2));
    NormalEquations.Sums sums = formed == null ? null : formed.sums();
    for (int f = 0; sums != null && f < sizes.length; f++) {
      sizes[f] = Math.hypot(Math.sqrt(Math.max(sums.g()[f][f], 0)), sums.mean()[f]);
    }
    return sizes;
  }

  /** A number that the smallest eigenvalue is not below; 0 if rounding leaves none above it. */
  public double smallest() {
    if (formed == null) {
      return objective.hasIntercept() ? 0 : 2 * objective.penalty().l2();
    }
    // Lanczos' method ends where what is left is 1e-12 of the largest.
    double rounding = (8 * size * Math.ulp(1.0) + 1e-12) * spectrum.largest();
    double smallest = spectrum.smallest() - rounding;
    return smallest > 0 ? smallest : 0;
  }

  /** A bound on a row's curvature, as a multiple of that of its squared error. */
  public double factor() {
    return factor;
  }

  public boolean isExact() {
    return formed != null;
  }

  @Override
  public void multiply(double[] v, double[] out) {
    if (formed != null) {
      formed.multiplyHessian(v, out);
    } else {
      multiplyByPass(v, out);
    }
    for (int i = 0; factor != 1 && i < size; i++) {
      out[i] *= factor;
    }
    double twice = 2 * objective.penalty().l2();
    for (int f = 0; twice > 0 && f < objective.features(); f++) {
      out[f] += twice * v[f];
    }
  }

  /** Multiplies v as the parameters of the first output; the others stay at zero. */
  private void multiplyByPass(double[] v, double[] out) {
    double[] at = new double[objective.size()];
    double[] gradient = new double[objective.size()];
    if (atZero == null) {
      atZero = new double[objective.size()];
      // Long enough for predictions that targets do not drown.
      length = Math.max(1, 10 * Math.sqrt(objective.evaluateLoss(at, atZero)));
    }
    int d = objective.features();
    for (int f = 0; f < d; f++) {
      at[f] = length * v[f];
    }
    if (objective.hasIntercept()) {
      at[objective.groups() * d] = length * v[d];
    }
    objective.evaluateLoss(at, gradient);
    for (int f = 0; f < d; f++) {
      out[f] = (gradient[f] - atZero[f]) / length;
    }
    if (objective.hasIntercept()) {
      int b = objective.groups() * d;
      out[d] = (gradient[b] - atZero[b]) / length;
    }
  }

  /** {@code H^-1 b}, as well as some products with H tell; for one output. */
  public double[] solve(double[] b, int maxProducts, double tolerance) {
    return LinearSystem.solve(this, b, formed == null ? maxProducts : 10 * size, tolerance);
  }
}
