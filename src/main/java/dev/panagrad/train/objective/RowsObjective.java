package dev.panagrad.train.objective;

import dev.panagrad.loss.Squared;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.Standardization;
import dev.panagrad.solver.Objective;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.rows.LossLog;
import dev.panagrad.train.rows.RowFit;
import java.util.Arrays;

/**
 * The sum of the outputs' losses on all training rows, with its penalty, as a function of the
 * parameters, which are one vector in double precision:
 *
 * <pre>
 *   w | output 0: d weights | output 1 | ... | an intercept per output, if there are any |
 * </pre>
 *
 * An evaluation overwrites the parameters and the gradient of the regression.
 */
public final class RowsObjective implements Objective {
  private final RowFit fit;
  private final LossLog log;
  private final Penalty penalty;
  private final int weights;
  private final int outputs;
  private final int size;
  private final Parameters parameters; // the regression's, or their copy in host memory
  private final Parameters gradient;
  private double largestCurvature = Double.NaN;
  private double[] losses;
  private double[] minimum; // null where it is not known
  private double[] lossesAtMinimum; // null where they are to be computed from rows
  private double[] gradientAtMinimum; // with the penalty's
  private double offsetSize = Double.NaN; // until it is asked for
  private final double[] penaltyAtLast;
  private long passes;

  public RowsObjective(RowFit fit, Penalty penalty) {
    this.fit = fit;
    this.penalty = penalty;
    outputs = fit.outputs();
    weights = Math.toIntExact(fit.regression().weights().count());
    penaltyAtLast = new double[outputs];
    size = Math.addExact(weights, fit.hasIntercept() ? outputs : 0);
    parameters = onHost(fit.regression().parameters(), fit.arena());
    gradient = onHost(fit.regression().gradient(), fit.arena());
    log = fit.newLossLog(true);
  }

  private static Parameters onHost(Parameters there, TensorArena arena) {
    Tensor flat = there.flat();
    return flat.isHost()
        ? there
        : there.layoutOf().allocate(arena, flat.name() + " on the host", flat.dtype());
  }

  @Override
  public int size() {
    return size;
  }

  /** What an output's loss is to be multiplied by, to be in the units of the table. */
  public double unit(Standardization units, int output) {
    return fit.loss().unit(units, output);
  }

  @Override
  public boolean isQuadratic() {
    return fit.loss().loss().isQuadratic();
  }

  @Override
  public double[] minimum() {
    return minimum.clone();
  }

  /** Gives it the minimum, by output: weights, then intercept if there is one. */
  public void setMinimum(double[][] byOutput) {
    minimum = together(byOutput);
  }

  /** Gives it what is known at the minimum, so that no row is read there: see {@link #evaluate}. */
  public void setAtMinimum(double[] losses, double[][] gradient) {
    lossesAtMinimum = losses.clone();
    gradientAtMinimum = together(gradient);
  }

  private double[] together(double[][] byOutput) {
    double[] all = new double[size];
    for (int j = 0; j < outputs; j++) {
      System.arraycopy(byOutput[j], 0, all, j * features(), features());
      if (hasIntercept()) {
        all[weights + j] = byOutput[j][features()];
      }
    }
    return all;
  }

  @Override
  public double largestCurvature() {
    return largestCurvature;
  }

  public void setCurvature(Curvature curvature) {
    // An estimate is from below.
    largestCurvature = curvature.largest() * (curvature.isExact() ? 1 : 1.05);
  }

  @Override
  public double l1(int parameter) {
    return isPenalized(parameter) ? penalty.l1() : 0;
  }

  public boolean isPenalized(int parameter) {
    return parameter < weights;
  }

  @Override
  public int groups() {
    return outputs;
  }

  @Override
  public int group(int parameter) {
    return isPenalized(parameter) ? parameter / features() : parameter - weights;
  }

  /** Half a unit in the last place of 1, in the type of the parameters. */
  @Override
  public double roundoff() {
    return parameters.flat().dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
  }

  public int features() {
    return weights / outputs;
  }

  public Penalty penalty() {
    return penalty;
  }

  /** The largest squared length of a training row, times its weight. */
  public double largestSquaredLength() {
    return fit.rows().largestSquaredLength(hasIntercept(), fit.loss().weights());
  }

  /** The root mean square of the training rows' offsets: one pass where there are any. */
  double offsetSize() {
    Tensor offset = fit.loss().offset();
    if (offset == null) {
      return 0;
    }
    if (Double.isNaN(offsetSize)) {
      double[] squares = new double[1];
      fit.rows().visitTrained(row -> squares[0] += offset.get(row) * offset.get(row));
      offsetSize = Math.sqrt(squares[0] / fit.rows().trained());
    }
    return offsetSize;
  }

  public boolean hasIntercept() {
    return size > weights;
  }

  public long passes() {
    return passes;
  }

  public void resumeAt(long newPasses) {
    passes = newPasses;
  }

  /** The mean loss of an output at the last evaluation, without penalty. */
  public double loss(int output) {
    return losses[output];
  }

  @Override
  public double value(int output) {
    return losses[output] + penaltyAtLast[output];
  }

  public double l2Penalty(double[] at, int output) {
    double squares = 0;
    int d = features();
    for (int i = output * d; penalty.l2() > 0 && i < (output + 1) * d; i++) {
      squares += at[i] * at[i];
    }
    return penalty.l2() * squares;
  }

  public double[] current() {
    if (parameters != fit.regression().parameters()) {
      fit.backend().copy(fit.regression().parameters().flat(), parameters.flat());
    }
    double[] current = new double[size];
    read(parameters, current);
    return current;
  }

  public void load(double[] w) {
    Tensor to = parameters.view(parameters.names().getFirst());
    for (int i = 0; i < weights; i++) {
      to.set(i / features(), i % features(), w[i]);
    }
    if (hasIntercept()) {
      Tensor intercepts = parameters.view(parameters.names().getLast());
      for (int j = 0; j < outputs; j++) {
        intercepts.set(j, w[weights + j]);
      }
    }
    if (parameters != fit.regression().parameters()) {
      fit.backend().copy(parameters.flat(), fit.regression().parameters().flat());
    }
  }

  private void read(Parameters from, double[] into) {
    Tensor w = from.view(from.names().getFirst());
    for (int i = 0; i < weights; i++) {
      into[i] = w.get(i / features(), i % features());
    }
    if (hasIntercept()) {
      Tensor b = from.view(from.names().getLast());
      for (int j = 0; j < outputs; j++) {
        into[weights + j] = b.get(j);
      }
    }
  }

  @Override
  public double evaluate(double[] at, double[] into) {
    boolean isKnown = lossesAtMinimum != null && Arrays.equals(at, minimum);
    double value = isKnown ? evaluateMinimum(into) : evaluateLoss(at, into);
    for (int j = 0; j < outputs; j++) {
      penaltyAtLast[j] = l2Penalty(at, j);
      value += penaltyAtLast[j];
    }
    if (isKnown) {
      return value;
    }
    double l2 = penalty.l2();
    for (int i = 0; l2 > 0 && i < weights; i++) {
      into[i] += 2 * l2 * at[i];
    }
    return value;
  }

  private double evaluateMinimum(double[] into) {
    load(minimum);
    losses = lossesAtMinimum.clone();
    System.arraycopy(gradientAtMinimum, 0, into, 0, size);
    return Arrays.stream(losses).sum();
  }

  /**
   * The gradient at zero; that of the squared error for a loss such as Huber's, whose gradient at
   * zero is clipped, so that it understates how far the minimum is.
   */
  public void gradientAtZero(double[] into) {
    if (!fit.loss().loss().isClipped()) {
      evaluate(new double[size], into);
      return;
    }
    fit.regression().use(new Squared());
    try {
      evaluateLoss(new double[size], into);
    } finally {
      fit.regression().use(fit.loss().loss());
    }
  }

  /** {@link #evaluate} without penalty; zero before rows are placed, for runs on trial. */
  public double evaluateLoss(double[] at, double[] into) {
    load(at);
    if (!fit.rows().arePlaced()) {
      losses = new double[outputs];
      Arrays.fill(into, 0);
      return 0;
    }
    losses = fit.rows().losses(fit.regression(), false, log, fit.parts());
    passes++;
    if (gradient != fit.regression().gradient()) {
      fit.backend().copy(fit.regression().gradient().flat(), gradient.flat());
    }
    read(gradient, into);
    return Arrays.stream(losses).sum();
  }

  /** The part of a vector over all parameters that is one output's: weights, then intercept. */
  public double[] part(double[] all, int output) {
    int d = features();
    double[] part =
        Arrays.copyOfRange(all, output * d, (output + 1) * d + (hasIntercept() ? 1 : 0));
    if (hasIntercept()) {
      part[d] = all[weights + output];
    }
    return part;
  }
}
