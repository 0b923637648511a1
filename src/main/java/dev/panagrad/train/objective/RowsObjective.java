package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.solver.Objective;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.rows.GradientParts;
import dev.panagrad.train.rows.LossLog;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;

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
  private final Backend backend;
  private final TrainingRows rows;
  private final LinearRegression regression;
  private final TrainingLoss loss;
  private final LossLog log;
  private final GradientParts parts;
  private final Penalty penalty;
  private final int weights;
  private final int outputs;
  private final int size;

  /** The regression's own in host memory, or where they are copied from and to. */
  private final Parameters parameters;

  private final Parameters gradient;
  private double largestCurvature = Double.NaN;
  private double[] losses;
  private final double[] penaltyAtLast;
  private long passes;

  /**
   * The objective of a training.
   *
   * @param penalty in the units of the rows
   */
  public RowsObjective(
      Backend backend,
      TensorArena arena,
      TrainingRows rows,
      LinearRegression regression,
      TrainingLoss loss,
      GradientParts parts,
      Penalty penalty) {
    this.backend = backend;
    this.rows = rows;
    this.regression = regression;
    this.loss = loss;
    this.parts = parts;
    this.penalty = penalty;
    outputs = Math.toIntExact(regression.weights().rows());
    weights = Math.toIntExact(regression.weights().count());
    penaltyAtLast = new double[outputs];
    size = Math.addExact(weights, regression.intercept() == null ? 0 : outputs);
    parameters = onHost(regression.parameters(), arena);
    gradient = onHost(regression.gradient(), arena);
    log = new LossLog(backend, arena, regression, true);
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

  @Override
  public boolean isQuadratic() {
    return loss.loss().isQuadratic();
  }

  /** True for the unweighted squared loss. */
  public boolean isPlain() {
    return loss.isPlain();
  }

  @Override
  public double largestCurvature() {
    return largestCurvature;
  }

  /** Says what was found. */
  public void setCurvature(Curvature curvature) {
    // An estimate is from below.
    largestCurvature = curvature.largest() * (curvature.isExact() ? 1 : 1.05);
  }

  @Override
  public double l1(int parameter) {
    return isPenalized(parameter) ? penalty.l1() : 0;
  }

  /** Whether a parameter is a weight, and not an intercept. */
  public boolean isPenalized(int parameter) {
    return parameter < weights;
  }

  @Override
  public int groups() {
    return outputs;
  }

  /** The output that a parameter belongs to. */
  @Override
  public int group(int parameter) {
    return isPenalized(parameter) ? parameter / features() : parameter - weights;
  }

  /** Half a unit in the last place of 1, in the type of the parameters. */
  public double roundoff() {
    return parameters.flat().dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
  }

  public int features() {
    return weights / outputs;
  }

  public Penalty penalty() {
    return penalty;
  }

  public boolean hasIntercept() {
    return size > weights;
  }

  /** Passes over the training rows so far. */
  public long passes() {
    return passes;
  }

  /** So many were made before. */
  public void resumeAt(long newPasses) {
    passes = newPasses;
  }

  /** The mean squared error of an output at the last evaluation, without penalty. */
  public double loss(int output) {
    return losses[output];
  }

  /** {@link #loss} with the L2 penalty. */
  @Override
  public double value(int output) {
    return losses[output] + penaltyAtLast[output];
  }

  /** The L2 penalty of an output's weights. */
  public double l2Penalty(double[] at, int output) {
    double squares = 0;
    int d = features();
    for (int i = output * d; penalty.l2() > 0 && i < (output + 1) * d; i++) {
      squares += at[i] * at[i];
    }
    return penalty.l2() * squares;
  }

  /** The regression's parameters. */
  public double[] current() {
    if (parameters != regression.parameters()) {
      backend.copy(regression.parameters().flat(), parameters.flat());
    }
    return vector(parameters);
  }

  /** Makes these the regression's parameters, rounded to their type. */
  public void load(double[] w) {
    String weightsName = parameters.names().getFirst();
    Tensor to = parameters.view(weightsName);
    for (int i = 0; i < weights; i++) {
      to.set(i / features(), i % features(), w[i]);
    }
    if (hasIntercept()) {
      Tensor intercepts = parameters.view(parameters.names().getLast());
      for (int j = 0; j < outputs; j++) {
        intercepts.set(j, w[weights + j]);
      }
    }
    if (parameters != regression.parameters()) {
      backend.copy(parameters.flat(), regression.parameters().flat());
    }
  }

  private double[] vector(Parameters from) {
    double[] vector = new double[size];
    read(from, vector);
    return vector;
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

  /** The sum of the losses and the L2 penalty; the gradient is that of both. */
  @Override
  public double evaluate(double[] at, double[] into) {
    double value = evaluateLoss(at, into);
    for (int j = 0; j < outputs; j++) {
      penaltyAtLast[j] = l2Penalty(at, j);
      value += penaltyAtLast[j];
    }
    double l2 = penalty.l2();
    for (int i = 0; l2 > 0 && i < weights; i++) {
      into[i] += 2 * l2 * at[i];
    }
    return value;
  }

  /** The gradient of the squared error at zero, whatever the loss is. */
  public void gradientOfSquares(double[] into) {
    Loss own = regression.lossInUse();
    regression.use(new Squared());
    rows.ignoreWeights(true);
    try {
      evaluateLoss(new double[size], into);
    } finally {
      rows.ignoreWeights(false);
      regression.use(own);
    }
  }

  /**
   * True for Huber: its gradient at zero is clipped, so it understates how far the minimum is; that
   * distance is estimated from the squared error instead.
   */
  public boolean isClipped() {
    return loss.loss().isClipped();
  }

  /** The same without penalty. */
  public double evaluateLoss(double[] at, double[] into) {
    load(at);
    losses = rows.losses(regression, false, log, parts);
    passes++;
    if (gradient != regression.gradient()) {
      backend.copy(regression.gradient().flat(), gradient.flat());
    }
    read(gradient, into);
    double value = 0;
    for (double loss : losses) {
      value += loss;
    }
    return value;
  }
}
