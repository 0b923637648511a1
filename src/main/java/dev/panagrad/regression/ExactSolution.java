package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * Holds the exact least-squares or ridge answer in double precision, whatever the type of the rows:
 * a {@link RowFactor} of the rows, the rank by column pivoting, and refinement by residuals of the
 * rows as long as it gains digits.
 *
 * <p>With condition number c of the standardized columns and unit roundoff u, coefficients are
 * wrong by about {@code u c} of their size, and by {@code u c^2} of the residual's (Golub and Van
 * Loan 2013, section 5.3.9). Losses are computed from residuals of the rows. Columns that rounding
 * cannot tell from combinations of others are named; the solution is then the shortest in
 * standardized units, and the loss the least of those that use what was kept.
 *
 * <p>Cost: 2 n d^2 operations by QR and five passes over the rows, one more for each refinement; 24
 * d^2 bytes. Many F64 rows of a condition below 10^4 are summed to products instead, n d^2
 * operations and three or four passes, and refined to the same digits. Source of the refinement:
 * Björck, Numerical Methods for Least Squares Problems (1996), section 2.9.3, corrected semi-normal
 * equations.
 *
 * @param coefficients [target][feature], in the units of the X and y that were given
 * @param intercept [target]; zeros without intercept
 * @param meanSquaredError [target], weighted, of the rows that were given
 * @param targetVariance [target], weighted; the mean square about zero without intercept
 * @param diagnosis what was found of the columns, and how exact it is
 */
@SuppressWarnings(
    "ArrayRecordComponent") // a result that is read once, not a value that is compared
public record ExactSolution(
    double[][] coefficients,
    double[] intercept,
    double[] meanSquaredError,
    double[] targetVariance,
    Diagnosis diagnosis) {
  /**
   * Says what was found of the columns.
   *
   * @param rank of the columns that are not constant, as far as rounding tells
   * @param dependencies columns that are combinations of others
   * @param largestCurvature of mean squared error and penalty along standardized columns that were
   *     kept, estimated from within as the smallest is
   * @param gap [target], how far mean squared error and penalty are above their minimum, at most:
   *     what a correction would lower them by, and what rounding does to residuals
   * @param gradient [target], of mean squared error and penalty by coefficients and intercept of
   *     the X and y that were given, by their residuals: what rounding left
   * @param passes over the rows
   */
  public record Diagnosis(
      int rank,
      List<Dependency> dependencies,
      double largestCurvature,
      double smallestCurvature,
      double[] gap,
      double[][] gradient,
      int passes) {}

  /** {@link #solve} refuses more columns: three matrices of 8 d^2 bytes are then 1.6 GB. */
  public static final int MAX_FEATURES = 8_192;

  private static final int MAX_REFINEMENTS = 3;
  private static final int PASSES = 3; // of a factor: means, deviations, triangle

  /** A column of X is a combination of others, and perhaps of the intercept. */
  public record Dependency(int column, List<Integer> on) {
    static List<Dependency> of(RankedTriangle triangle, boolean[] constant) {
      return triangle.cut().stream()
          .filter(c -> !constant[c])
          .map(c -> new Dependency(c, triangle.on(c)))
          .toList();
    }
  }

  /**
   * Adds a penalty {@code l2 |w|^2} to the mean squared error.
   *
   * @param isStandardized whether w is in units of standardized features, and not of X
   */
  public record Ridge(double l2, boolean isStandardized) {
    public Ridge {
      Checks.nonNegative("l2", l2);
    }
  }

  /** Returns the numerical rank. */
  public int rank() {
    return diagnosis.rank();
  }

  /** Returns the Euclidean condition number of the standardized columns that were kept. */
  public double condition() {
    return Math.sqrt(diagnosis.largestCurvature() / diagnosis.smallestCurvature());
  }

  /**
   * Solves for features X [n, d] and targets y [n, k] in host memory.
   *
   * @param index rows to use, I64, or null for all
   * @param count rows to use: the first of {@code index}, or of X
   * @param l2 ridge penalty {@code l2 |w|^2} next to the mean squared error; 0 for least squares
   * @throws IllegalArgumentException if a shape or type does not fit, or a value is not finite or
   *     so large that squares are not, with its row and column
   * @throws IndexOutOfBoundsException if there are fewer rows, or the index has what is not a row
   */
  public static ExactSolution solve(
      Backend backend,
      Tensor x,
      Tensor y,
      Tensor index,
      long count,
      boolean hasIntercept,
      double l2) {
    Batch batch = new Batch(new DenseRows(x, y), index);
    return solve(backend, batch, count, hasIntercept, new Ridge(l2, false));
  }

  /**
   * Solves for the first rows of a batch in host memory, with weights and offsets; the mean is over
   * the weights. A backend on a device lets a host's compute.
   *
   * @throws IllegalArgumentException likewise
   * @throws IndexOutOfBoundsException likewise
   */
  public static ExactSolution solve(
      Backend backend, Batch batch, long count, boolean hasIntercept, Ridge ridge) {
    requireSize(batch.rows().features());
    NormalEquations.checkPositions(batch, 0, count);
    if (!backend.usesHostMemory()) {
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return solve(host, batch, count, hasIntercept, ridge);
      }
    }
    RowFactor sums = SummedFactor.of(backend, batch, count, hasIntercept);
    if (sums != null) {
      LeastSquares summed =
          new LeastSquares(backend, sums, residuals(backend, batch, count, sums), ridge);
      if (summed.triangle.largest() <= SummedFactor.MAX_CONDITION * summed.triangle.smallest()) {
        return summed.solve(1);
      }
    }
    return reflect(backend, batch, count, hasIntercept, ridge);
  }

  private static ResidualSums residuals(Backend backend, Batch batch, long count, RowFactor units) {
    return batch.rows().weights() == null && units.targets() > RowResiduals.TARGETS
        ? new ResidualSums.OfPanels(backend, batch, count, units)
        : new RowResiduals(backend, batch, count, units);
  }

  /** The solution by reflections, whatever squaring would lose. */
  static ExactSolution reflect(
      Backend backend, Batch batch, long count, boolean hasIntercept, Ridge ridge) {
    StandardizedRows rows = StandardizedRows.of(backend, batch, count, hasIntercept);
    RowFactor factor = RowFactor.of(backend, rows, count);
    ResidualSums residuals = new RowResiduals(backend, batch, count, factor);
    return new LeastSquares(backend, factor, residuals, ridge).solve(PASSES);
  }

  /**
   * Solves for the rows of a factor, such as one that was merged from those of parts: without the
   * rows, so that residuals and corrections are those of the factor.
   *
   * @throws IllegalArgumentException if it has no weight, or too many features
   */
  public static ExactSolution solve(Backend backend, RowFactor factor, Ridge ridge) {
    requireSize(factor.features());
    if (!(factor.weight() > 0)) {
      throw new IllegalArgumentException(
          "a factor of weight %s has no solution".formatted(factor.weight()));
    }
    if (!backend.usesHostMemory()) {
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return solve(host, factor, ridge);
      }
    }
    ResidualSums residuals = new ResidualSums.OfFactor(factor);
    return new LeastSquares(backend, factor, residuals, ridge).solve(0);
  }

  /** Throws if there are more features than it takes. */
  public static void requireSize(long features) {
    if (features > MAX_FEATURES) {
      throw new IllegalArgumentException(
          "the exact solution is limited to %,d features, found %,d; use cg"
              .formatted(MAX_FEATURES, features));
    }
  }

  /** One solution on its way: the triangle, and what the rows leave. */
  private static final class LeastSquares {
    private final ResidualSums sums;
    private final RowFactor factor;
    private final double[] penalties;
    private final RankedTriangle triangle;
    private final int d;
    private final int k;
    private final int q; // columns of ones and features
    private int residualPasses;

    LeastSquares(Backend backend, RowFactor factor, ResidualSums sums, Ridge ridge) {
      this.factor = factor;
      this.sums = sums;
      d = factor.features();
      k = factor.targets();
      q = factor.r().length - k;
      penalties = new double[d];
      for (int c = 0; c < d; c++) {
        double scale = ridge.isStandardized() ? 1 : factor.scale()[c];
        // A constant column's coefficient is zero whatever the penalty, so that it may be large.
        double l2 = factor.constant()[c] ? 1 : ridge.l2();
        penalties[c] = Math.sqrt(factor.weight() * l2) / scale;
      }
      triangle = new RankedTriangle(backend, factor, penalties, sums.roundoff());
    }

    ExactSolution solve(int passes) {
      double[][] z = new double[k][];
      Arrays.setAll(z, triangle::solve);
      Residuals residuals = refine(z);
      double[][] coefficients = new double[k][d];
      double[] intercept = new double[k];
      double[] errors = new double[k];
      double[] variances = new double[k];
      double[] gap = new double[k];
      double[][] gradient = new double[k][];
      for (int j = 0; j < k; j++) {
        double unit = factor.scale()[d + j];
        double[] raw = factor.unscaled(z[j], j);
        coefficients[j] = Arrays.copyOf(raw, d);
        intercept[j] = raw[d];
        errors[j] = residuals.squares[j] / factor.weight() * unit * unit;
        variances[j] = factor.targetVariance(j);
        double mean = residuals.squares[j] / factor.weight();
        double wrong = wrong(z[j], j);
        double rounding = wrong * (2 * Math.sqrt(mean) + wrong);
        gap[j] = (Math.max(residuals.gains[j], 0) / factor.weight() + rounding) * unit * unit;
        gradient[j] = unscaled(residuals.gradients[j], unit);
      }
      double unit = 2 / factor.weight();
      Diagnosis diagnosis =
          new Diagnosis(
              triangle.rank() - constants(),
              Dependency.of(triangle, factor.constant()),
              unit * triangle.largest() * triangle.largest(),
              unit * triangle.smallest() * triangle.smallest(),
              gap,
              gradient,
              passes + residualPasses);
      return new ExactSolution(coefficients, intercept, errors, variances, diagnosis);
    }

    /**
     * The root mean square of what rounding does to residuals in standardized units, whose columns
     * have mean square 1.
     */
    private double wrong(double[] z, int target) {
      double[] sizes = factor.sizes(z, target);
      return 0x1p-53 * sums.roundings(d, sizes[0], sizes[1]);
    }

    /** Corrects solutions while corrections shrink; returns what they leave. */
    private Residuals refine(double[][] z) {
      Residuals now = new Residuals(z);
      boolean isFull = triangle.rank() == d;
      for (int turn = 0; isFull && turn < MAX_REFINEMENTS && now.isWorthCorrecting(z); turn++) {
        double[][] next = new double[k][];
        for (int j = 0; j < k; j++) {
          next[j] = sum(z[j], now.corrections[j]);
        }
        Residuals after = new Residuals(next);
        if (!(after.largestGain() < now.largestGain() / 4)) {
          break;
        }
        System.arraycopy(next, 0, z, 0, k);
        now = after;
      }
      return now;
    }

    /** Minus half the gradient of the sum over standardized rows, as that of the mean over rows. */
    private double[] unscaled(double[] gradient, double unit) {
      double[] raw = new double[d + 1];
      double factorOfMean = -2 * unit / factor.weight();
      raw[d] = q > d ? factorOfMean * gradient[0] : 0;
      for (int c = 0; c < d; c++) {
        double centered = factorOfMean * gradient[q - d + c] * factor.scale()[c];
        raw[c] = centered + factor.shift()[c] * raw[d];
      }
      return raw;
    }

    private int constants() {
      int count = 0;
      for (boolean isConstant : factor.constant()) {
        count += isConstant ? 1 : 0;
      }
      return count;
    }

    private static double[] sum(double[] a, double[] b) {
      double[] sum = new double[a.length];
      Arrays.setAll(sum, i -> a[i] + b[i]);
      return sum;
    }

    /** Squares of the residuals at solutions, and corrections by {@code (R^T R)^-1 gradient}. */
    private final class Residuals {
      final double[] squares = new double[k];
      final double[][] gradients = new double[k][q]; // minus half of them
      final double[][] corrections = new double[k][];
      private final double[] gains = new double[k]; // how much a correction lowers the squares

      Residuals(double[][] z) {
        residualPasses++;
        sums.add(z, squares, gradients);
        for (int j = 0; j < k; j++) {
          double[] g = gradients[j];
          for (int c = 0; c < d; c++) {
            g[q - d + c] -= penalties[c] * penalties[c] * z[j][q - d + c];
          }
          corrections[j] = triangle.correction(g);
          for (int c = 0; c < q; c++) {
            gains[j] += g[c] * corrections[j][c];
          }
        }
      }

      double largestGain() {
        return Arrays.stream(gains).max().orElse(0);
      }

      boolean isWorthCorrecting(double[][] z) {
        for (int j = 0; j < k; j++) {
          for (int c = 0; c < q; c++) {
            if (Math.abs(corrections[j][c]) > Math.ulp(z[j][c])) {
              return true;
            }
          }
        }
        return false;
      }
    }
  }
}
