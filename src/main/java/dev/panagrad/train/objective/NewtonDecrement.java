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
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;

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
   * For placed rows in memory.
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
   * How far an output's loss and penalties are above their minimum at the parameters w, which it
   * loads; NaN if no bound is known. Some five passes over the rows, or ten.
   */
  public double gap(double[] w, double[] subgradient, int output) {
    double reach = fit.loss().loss().reach();
    double way = FIRST_WAY * reach;
    objective.load(w);
    try (TensorArena arena = TensorArena.open("curvature of rows")) {
      Tensor x = fit.rows().hostBatch(fit.loss()).rows().x();
      Tensor z = arena.allocate("predictions", x.dtype(), x.rows(), fit.outputs());
      fit.regression().predict(x, 0, x.rows(), z);
      Tensor bends = arena.allocate("curvatures", x.dtype(), x.rows());
      while (way <= LONGEST_WAY * reach) {
        Bound found = within(way, w, subgradient, output, z, bends);
        if (found.way <= way) {
          return found.gap;
        }
        way = 1.5 * found.way; // which is no number where nothing is known
      }
    }
    return Double.NaN;
  }

  /**
   * What follows if predictions move by no more than some way.
   *
   * @param way how far they must be free to move for that
   */
  private record Bound(double gap, double way) {
    static final Bound NONE = new Bound(Double.NaN, Double.NaN);
  }

  private Bound within(
      double way, double[] w, double[] subgradient, int output, Tensor z, Tensor bends) {
    Slopes slopes = bend(way, output, z, bends);
    if (!slopes.areBent) {
      return Bound.NONE;
    }
    Batch batch = fit.rows().hostBatch(fit.loss());
    DenseRows bent = new DenseRows(batch.rows().x(), batch.rows().y(), bends, null);
    long n = fit.rows().trained();
    RowFactor factor =
        SummedFactor.near(host, new Batch(bent, batch.index()), n, fit.hasIntercept());
    double mean = factor.weight() / n;
    Coordinates round =
        Coordinates.round(objective, host, factor, 2 * objective.penalty().l2() / mean, Double.NaN);
    if (!isKnown(round, slopes.areAllBent)) {
      return Bound.NONE;
    }
    double squares = 0;
    for (double g : round.gradient(subgradient, output)) {
      squares += g * g;
    }
    double wrong =
        round.wrong(w, output, fit.rows().standardization()) * objective.roundoff() / 0x1p-53;
    double nu =
        (Math.sqrt(squares) + round.rounding(slopes.root)) / Math.sqrt(mean)
            + Math.sqrt(mean) * wrong;
    double rho = round.longestRow(fit.rows(), batch.rows()) / Math.sqrt(mean);
    double rounding = wrong * (slopes.root + mean * wrong) + round.penaltyOfConstants(w, output);
    return new Bound(nu * nu / 2 + rounding, 2 * rho * nu + wrong);
  }

  /**
   * True if H is flat only along columns that the loss does not depend on. Where rows are not bent,
   * those that are tell nothing of that.
   */
  private boolean isKnown(Coordinates round, boolean areAllBent) {
    boolean hasConstants = false;
    for (boolean isConstant : round.constant()) {
      hasConstants |= isConstant;
    }
    List<Integer> cut = round.round().cut();
    return areAllBent
        ? cut.isEmpty() || dependent.get().containsAll(cut)
        : cut.isEmpty() && !hasConstants;
  }

  /**
   * @param root the root mean square of the rows' first derivatives
   * @param areBent whether any second derivative is above 0
   * @param areAllBent whether all are
   */
  private record Slopes(double root, boolean areBent, boolean areAllBent) {}

  /** Writes the least second derivatives of the training rows times their weights. */
  private Slopes bend(double way, int output, Tensor z, Tensor bends) {
    Loss loss = fit.loss().loss();
    Tensor offset = fit.loss().offset();
    Tensor y = fit.rows().hostBatch(fit.loss()).rows().y();
    double[] at = new double[1];
    double[] target = new double[1];
    double[] weight = new double[1];
    double[] squares = new double[1];
    BitSet kinds = new BitSet(); // 0: some row is flat, 1: some is bent
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
              kinds.set(bends.get(row) > 0 ? 1 : 0);
              loss.differentiate(at, target, weight, 1);
              squares[0] += at[0] * at[0] / weight[0];
            });
    double root = Math.sqrt(squares[0] / fit.rows().trained());
    return new Slopes(root, kinds.get(1), !kinds.get(0));
  }
}
