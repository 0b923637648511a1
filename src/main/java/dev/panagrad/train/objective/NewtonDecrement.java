package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Loss;
import dev.panagrad.regression.RowFactor;
import dev.panagrad.regression.SummedFactor;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.rows.RowFit;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * How far a loss with its penalties is above its minimum, at most, from its curvature around the
 * point where a method ended, for losses whose curvature is known around predictions only.
 *
 * <pre>
 *   c_i  >= 0, which no second derivative of row i's loss is below while its prediction moves by m
 *   H    = (1/n) sum_i s_i c_i x_i x_i^T + 2 l2
 *   nu   = sqrt(g.H^-1 g)                Newton's decrement, for the shortest subgradient g
 *   rho  = max_i sqrt(x_i.H^-1 x_i)
 * </pre>
 *
 * Along a way v of length {@code t = sqrt(v.H v)}, predictions move by at most {@code rho t}, so
 * that {@code f(w + v) >= f(w) - nu t + t^2 / 2} as far as {@code t = m / rho}. Where {@code m >= 2
 * rho nu} that is at least f(w) at the end, and beyond it f, which is convex, does not come back:
 * it is nowhere below {@code f(w) - nu^2 / 2}. What is rounded in predictions and gradients is
 * added.
 *
 * <p>Source: Boyd and Vandenberghe, Convex Optimization (2004), sections 9.1.2 and 9.5.1.
 */
public final class NewtonDecrement {
  private static final double FIRST_WAY = 0x1p-10; // of the loss's reach
  private static final double LONGEST_WAY = 2;
  private static final double ROUNDED = 1 - 1e-6; // second derivatives, as F32 too

  private final RowFit fit;
  private final RowsObjective objective;
  private final Backend host;
  private final Supplier<List<Integer>> dependent;

  /**
   * Makes a bound for placed rows in memory.
   *
   * @param dependent finds the columns that depend on others
   */
  NewtonDecrement(
      RowFit fit, RowsObjective objective, Backend host, Supplier<List<Integer>> dependent) {
    this.fit = fit;
    this.objective = objective;
    this.host = host;
    this.dependent = dependent;
  }

  /**
   * A bound on an output's loss and penalties.
   *
   * @param gap how far they are above their minimum, at most; NaN if that is not known
   * @param isCut whether columns that rounding cannot tell apart are taken to be dependent
   */
  public record Bound(double gap, boolean isCut) {
    private static final Bound NONE = new Bound(Double.NaN, false);
  }

  /**
   * Bounds an output's loss and penalties at the parameters w, which it loads: some five passes
   * over the rows, or ten.
   */
  public Bound bound(double[] w, double[] subgradient, int output) {
    double reach = fit.loss().loss().reach();
    double way = FIRST_WAY * reach;
    objective.load(w);
    try (TensorArena arena = TensorArena.open("curvature of rows")) {
      Tensor x = fit.rows().hostBatch(fit.loss()).rows().x();
      Tensor z = arena.allocate("predictions", x.dtype(), x.rows(), fit.outputs());
      fit.regression().predict(x, 0, x.rows(), z);
      Tensor bends = arena.allocate("curvatures", x.dtype(), x.rows());
      while (way <= LONGEST_WAY * reach) {
        Within found = within(way, w, subgradient, output, z, bends);
        if (found.way <= way) {
          return found.bound;
        }
        way = 1.5 * found.way; // which is no number where nothing is known
      }
    } catch (ArithmeticException | IllegalArgumentException _) {
      // Numbers that overflow.
    }
    return Bound.NONE;
  }

  /**
   * What follows if predictions move by no more than some way.
   *
   * @param way how far they must be free to move for that
   */
  private record Within(Bound bound, double way) {
    static final Within NONE = new Within(Bound.NONE, Double.NaN);
  }

  private Within within(
      double way, double[] w, double[] subgradient, int output, Tensor z, Tensor bends) {
    Slopes slopes = bend(way, output, z, bends);
    if (!slopes.areBent) {
      return Within.NONE;
    }
    Batch batch = fit.rows().hostBatch(fit.loss());
    DenseRows bent = new DenseRows(batch.rows().x(), batch.rows().y(), bends, null);
    long n = fit.rows().trained();
    RowFactor factor =
        SummedFactor.near(host, new Batch(bent, batch.index()), n, fit.hasIntercept());
    double mean = factor.weight() / n;
    Coordinates round =
        Coordinates.round(objective, host, factor, 2 * objective.penalty().l2() / mean, Double.NaN);
    if (!isKnown(round)) {
      return Within.NONE;
    }
    double squares = 0;
    for (double g : round.gradient(subgradient, output)) {
      squares += g * g;
    }
    double wrong =
        round.wrong(w, output, fit.rows().standardization()) * objective.roundoff() / 0x1p-53;
    double rho = round.longestRow(fit.rows(), batch.rows()) / Math.sqrt(mean);
    double nu =
        (Math.sqrt(squares) + round.rounding(slopes.root)) / Math.sqrt(mean)
            + Math.sqrt(mean) * wrong
            + 0x1p-53 * rho * slopes.terms;
    double rounding = wrong * (slopes.root + mean * wrong) + round.penaltyOfConstants(w, output);
    boolean isCut = !round.round().cut().isEmpty();
    return new Within(new Bound(nu * nu / 2 + rounding, isCut), 2 * rho * nu + wrong);
  }

  /**
   * True if H is flat only along columns that the loss does not depend on: what all rows leave
   * flat, those that are bent do too, so that it is the same where there are as many.
   */
  private boolean isKnown(Coordinates round) {
    int cut = round.round().cut().size();
    return areConstant(round) && (cut == 0 || cut <= dependent.get().size());
  }

  /** Returns whether the columns that are constant where rows are bent are so in all. */
  private boolean areConstant(Coordinates round) {
    boolean[] constant = round.constant();
    int[] columns = IntStream.range(0, constant.length).filter(f -> constant[f]).toArray();
    double[] values = fit.hasIntercept() ? null : new double[constant.length];
    return columns.length == 0 || haveOneValue(columns, values);
  }

  private boolean haveOneValue(int[] columns, double[] expected) {
    Tensor x = fit.rows().hostBatch(fit.loss()).rows().x();
    Tensor weights = fit.loss().weights();
    double[][] values = {expected};
    boolean[] vary = new boolean[1];
    fit.rows()
        .visitTrained(
            row -> {
              if (weights != null && weights.get(row) == 0) {
                return;
              }
              boolean isFirst = values[0] == null;
              values[0] = isFirst ? new double[(int) x.cols()] : values[0];
              for (int f : columns) {
                double value = x.get(row, f);
                values[0][f] = isFirst ? value : values[0][f];
                vary[0] |= value != values[0][f];
              }
            });
    return !vary[0];
  }

  /**
   * @param root the root mean square of the rows' first derivatives
   * @param areBent whether any second derivative is above 0
   * @param terms the mean size of what first derivatives are differences of
   */
  private record Slopes(double root, boolean areBent, double terms) {}

  /** Writes the least second derivatives of the training rows times their weights. */
  private Slopes bend(double way, int output, Tensor z, Tensor bends) {
    Loss loss = fit.loss().loss();
    Tensor offset = fit.loss().offset();
    Tensor y = fit.rows().hostBatch(fit.loss()).rows().y();
    double[] at = new double[1];
    double[] target = new double[1];
    double[] weight = new double[1];
    double[] sums = new double[3]; // of squares, of terms, and whether any is bent
    fit.rows()
        .visitTrained(
            row -> {
              weight[0] = fit.loss().weights() == null ? 1 : fit.loss().weights().get(row);
              at[0] = z.get(row, output) + (offset == null ? 0 : offset.get(row));
              target[0] = y.get(row, output);
              double least = weight[0] * loss.leastCurvature(at[0], target[0], way) * ROUNDED;
              bends.set(row, weight[0] == 0 ? 0 : least);
              if (weight[0] == 0) {
                return;
              }
              sums[1] += weight[0] * (Math.abs(target[0]) + Math.abs(loss.mean(at[0])));
              sums[2] = Math.max(sums[2], bends.get(row));
              loss.differentiate(at, target, weight, 1);
              sums[0] += at[0] * at[0] / weight[0];
            });
    long n = fit.rows().trained();
    return new Slopes(Math.sqrt(sums[0] / n), sums[2] > 0, sums[1] / n);
  }
}
