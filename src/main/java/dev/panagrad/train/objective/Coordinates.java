package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.regression.RowFactor;
import dev.panagrad.regression.Standardization;
import dev.panagrad.regression.SummedFactor;
import dev.panagrad.solver.Objective;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import dev.panagrad.train.rows.RowFit;
import dev.panagrad.train.rows.TrainingRows;
import java.util.Arrays;

/**
 * The objective in coordinates in which its level sets are nearly round, so that methods need few
 * iterations, and lengths of gradients tell what is left of the loss, whatever units and offsets
 * the columns have:
 *
 * <pre>
 *   u = T (s * w)         s: scales of the columns, m: their means
 *   c = b + m . w         T^T T = Z^T Z / n + l2, for columns Z = (X - m) / s; or the identity
 * </pre>
 *
 * T is the triangle of a QR of the rows, where that costs little: the Hessian of the squared error
 * is then 2 in every direction. With an L1 penalty, which has a corner for each w, or many columns,
 * T is the identity; rows that are standardized are then left as they are. Data do not change.
 *
 * <p>Source: Golub and Van Loan, Matrix Computations (2013), section 11.5, for preconditioning.
 */
public final class Coordinates implements Objective {
  private static final double MOST_SOLVED = 1e9; // multiply-adds for the longest row
  private final RowsObjective rows;
  private final double[] shift;
  private final double[] scale;
  private final RowFactor.Roundness round; // null where T is the identity
  private final double[][] triangle; // its T, or null
  private final boolean[] constant; // columns of the round rows, or null
  private final double curvature; // NaN where none is known
  private final int d;
  private final double[] at; // parameters of the rows
  private final double[] gradient;

  private Coordinates(
      RowsObjective rows,
      double[] shift,
      double[] scale,
      RowFactor.Roundness round,
      boolean[] constant,
      double curvature) {
    this.rows = rows;
    this.constant = constant;
    this.shift = shift;
    this.scale = scale;
    this.round = round;
    triangle = round == null ? null : round.triangle();
    this.curvature = curvature;
    d = rows.features();
    at = new double[rows.size()];
    gradient = new double[rows.size()];
  }

  /** Those of the rows themselves. */
  public static Coordinates plain(RowsObjective rows) {
    double[] ones = new double[rows.features()];
    Arrays.fill(ones, 1);
    return new Coordinates(
        rows, new double[rows.features()], ones, null, null, rows.largestCurvature());
  }

  /** Those of the rows, whose columns have no larger root mean squares than these. */
  public static Coordinates ofSizes(RowsObjective rows, double[] sizes) {
    return new Coordinates(rows, new double[sizes.length], sizes, null, null, Double.NaN);
  }

  /** The best ones for placed rows: up to three passes. */
  public static Coordinates of(RowsObjective rows, RowFit fit, MeasuredCurvature measured) {
    boolean isMixed = rows.penalty().l1() == 0 && measured.canBeFormed();
    if (isMixed) {
      RowFactor factor =
          SummedFactor.near(
              measured.host(),
              fit.rows().hostBatch(fit.loss()),
              fit.rows().trained(),
              fit.hasIntercept());
      double factorOfLoss = fit.loss().curvatureFactor();
      double most =
          Double.isFinite(factorOfLoss) ? 2 * Math.max(1, factorOfLoss) * (1 + 1e-6) : Double.NaN;
      return round(rows, measured.host(), factor, rows.penalty().l2(), most);
    }
    if (fit.rows().isStandardized()) {
      return plain(rows);
    }
    Standardization moments =
        fit.rows().moments(fit.backend(), fit.hasIntercept(), fit.loss().weights());
    if (!moments.isFinite()) {
      throw new ArithmeticException("means and deviations of the columns are not finite");
    }
    double[] shift = new double[rows.features()];
    double[] scale = new double[rows.features()];
    Arrays.setAll(shift, moments::featureMean);
    Arrays.setAll(scale, moments::featureScale);
    return new Coordinates(rows, shift, scale, null, null, Double.NaN);
  }

  /** Those in which the squared error of factorized rows is round, with an L2 penalty. */
  static Coordinates round(
      RowsObjective rows, Backend host, RowFactor factor, double l2, double curvature) {
    return new Coordinates(
        rows,
        Arrays.copyOf(factor.shift(), rows.features()),
        Arrays.copyOf(factor.scale(), rows.features()),
        factor.roundness(host, l2),
        factor.constant(),
        curvature);
  }

  /** Passes over the rows that it took to find them. */
  int passes() {
    return round == null ? 0 : 3;
  }

  /** What is known of the rows where the squared error is round; else null. */
  public RowFactor.Roundness round() {
    return round;
  }

  /**
   * How much longer or shorter the rounding of the rows' type makes a {@link #gradient}: a sum over
   * a block of rows is wrong by 16 units of {@code |r| |x|}, and T^-1 lengthens that.
   *
   * @param residual root mean square of an output's residuals
   */
  public double rounding(double residual) {
    double squares = 1;
    for (int f = 0; f < d; f++) {
      double size = 1 + Math.abs(shift[f]) / scale[f];
      squares += size * size;
    }
    double least = Math.sqrt(round.smallestCurvature() / 2);
    return 16 * rows.roundoff() * residual * Math.sqrt(squares) / Math.min(least, 1);
  }

  /** Columns that are constant where the squared error is round; else null. */
  boolean[] constant() {
    return constant;
  }

  /**
   * What the L2 penalty of an output takes for coefficients of constant columns, which T takes to
   * be curved as others: their best value is zero.
   */
  public double penaltyOfConstants(double[] w, int output) {
    double sum = 0;
    for (int f = 0; f < d; f++) {
      double size = constant[f] ? Math.abs(w[output * d + f]) : 0;
      sum += size * (rows.penalty().l1() + rows.penalty().l2() * size);
    }
    return sum;
  }

  /**
   * The length of the longest row in round coordinates, with the intercept's 1; of many long rows a
   * number that it is not above, by the Frobenius norm of T^-1.
   */
  double longestRow(TrainingRows of, DenseRows values) {
    boolean isExact = of.trained() * (double) d * d <= MOST_SOLVED;
    double stretch = isExact ? 1 : inverseSquares();
    Tensor x = values.x();
    Tensor weights = values.weights();
    double[] longest = new double[1];
    double[] z = new double[d];
    of.visitTrained(
        row -> {
          if (weights != null && weights.get(row) == 0) {
            return;
          }
          for (int f = 0; f < d; f++) {
            z[f] = constant[f] ? 0 : (Cells.get(x, row * x.rowStride() + f) - shift[f]) / scale[f];
          }
          if (isExact) {
            solveTransposed(z);
          }
          double squares = 0;
          for (double element : z) {
            squares += element * element;
          }
          longest[0] = Math.max(longest[0], squares);
        });
    return Math.sqrt((rows.hasIntercept() ? 1 : 0) + longest[0] * stretch);
  }

  private double inverseSquares() {
    double squares = 0;
    for (int f = 0; f < d; f++) {
      double[] column = new double[d];
      column[f] = 1;
      solve(column);
      squares += Arrays.stream(column).map(c -> c * c).sum();
    }
    return squares;
  }

  /**
   * The root mean square of what rounding does to residuals at parameters of the rows: d + 2
   * roundings of {@link #terms}, and of the model's intercept, which takes the means of raw columns
   * and of the target.
   */
  public double wrong(double[] w, int output, Standardization units) {
    double means = Math.abs(units.targetMean(output)) / units.targetScale(output);
    for (int f = 0; f < d; f++) {
      means += Math.abs(w[output * d + f] * units.featureMean(f)) / units.featureScale(f);
    }
    return 0x1p-53 * ((d + 2) * terms(w, output) + means);
  }

  /** The root mean square, at most, of what a residual adds up, with target and offset. */
  public double terms(double[] w, int output) {
    double intercept = rows.hasIntercept() ? Math.abs(w[rows.groups() * d + output]) : 0;
    double terms = 1 + intercept + rows.offsetSize();
    for (int f = 0; f < d; f++) {
      terms += Math.abs(w[output * d + f]) * (Math.abs(shift[f]) + scale[f]);
    }
    return terms;
  }

  /** The gradient of an output, with that of its intercept, for one of the rows' parameters. */
  public double[] gradient(double[] ofRows, int output) {
    double[] part = rows.part(ofRows, output);
    double ofIntercept = rows.hasIntercept() ? part[d] : 0;
    double[] v = new double[d];
    for (int f = 0; f < d; f++) {
      v[f] = (part[f] - shift[f] * ofIntercept) / scale[f];
    }
    solveTransposed(v);
    System.arraycopy(v, 0, part, 0, d);
    return part;
  }

  /** Parameters of the rows for a point; the array is used again. */
  public double[] toRows(double[] u) {
    for (int j = 0; j < rows.groups(); j++) {
      double[] v = Arrays.copyOfRange(u, j * d, (j + 1) * d);
      solve(v);
      double sum = 0;
      for (int f = 0; f < d; f++) {
        at[j * d + f] = v[f] / scale[f];
        sum += shift[f] * at[j * d + f];
      }
      if (rows.hasIntercept()) {
        int b = rows.groups() * d + j;
        at[b] = u[b] - sum;
      }
    }
    return at;
  }

  /** The point of parameters of the rows. */
  public double[] fromRows(double[] w) {
    double[] u = w.clone();
    for (int j = 0; j < rows.groups(); j++) {
      double sum = 0;
      double[] v = new double[d];
      for (int f = 0; f < d; f++) {
        v[f] = w[j * d + f] * scale[f];
        sum += shift[f] * w[j * d + f];
      }
      for (int i = 0; i < d; i++) {
        double element = triangle == null ? v[i] : 0;
        for (int f = i; triangle != null && f < d; f++) {
          element += triangle[i][f] * v[f];
        }
        u[j * d + i] = element;
      }
      if (rows.hasIntercept()) {
        u[rows.groups() * d + j] += sum;
      }
    }
    return u;
  }

  /** {@code T^-1 v} in place. */
  private void solve(double[] v) {
    for (int i = d - 1; triangle != null && i >= 0; i--) {
      double sum = v[i];
      for (int f = i + 1; f < d; f++) {
        sum -= triangle[i][f] * v[f];
      }
      v[i] = sum / triangle[i][i];
    }
  }

  /** {@code T^-T v} in place. */
  private void solveTransposed(double[] v) {
    for (int i = 0; triangle != null && i < d; i++) {
      v[i] /= triangle[i][i];
      for (int f = i + 1; f < d; f++) {
        v[f] -= triangle[i][f] * v[i];
      }
    }
  }

  @Override
  public double evaluate(double[] u, double[] into) {
    double value = rows.evaluate(toRows(u), gradient);
    for (int j = 0; j < rows.groups(); j++) {
      double[] part = gradient(gradient, j);
      System.arraycopy(part, 0, into, j * d, d);
      if (rows.hasIntercept()) {
        into[rows.groups() * d + j] = part[d];
      }
    }
    return value;
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public int groups() {
    return rows.groups();
  }

  @Override
  public int group(int parameter) {
    return rows.group(parameter);
  }

  @Override
  public double value(int group) {
    return rows.value(group);
  }

  @Override
  public double l1(int parameter) {
    double l1 = rows.l1(parameter);
    return l1 == 0 ? 0 : l1 / scale[parameter % d];
  }

  @Override
  public double largestCurvature() {
    return curvature;
  }

  @Override
  public boolean isQuadratic() {
    return rows.isQuadratic();
  }

  @Override
  public double roundoff() {
    return rows.roundoff();
  }
}
