package dev.panagrad.train.online;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Loss;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.LossLog;
import java.util.List;

/**
 * What an online regression is made of, in the units in which it is trained: rows, parameters,
 * optimizer, losses, and the guard with the parameters that it may go back to.
 *
 * <p>Ownership: memory belongs to the arena. Threading: one thread at a time.
 */
public final class OnlineFit {
  private static final double ZEROS_SHARE = 1e-4; // errors of 1% of the targets' size are usual

  private final OnlineSetup setup;
  private final Backend backend;
  private final List<String> features;
  private final List<String> targets;
  private final Loss loss;
  private final Standardization scales;
  private final boolean isStaged;
  private final StagedRows staged;
  private final LinearRegression regression;
  private final Optimizer optimizer;
  private final Tensor gradient;
  private final Tensor weights; // on the host
  private final Tensor intercept;
  private final LossLog single; // read after every batch
  private final LossLog ahead; // of a stream; looking at it means waiting for a device
  private final RunningRate rate; // null if it stays
  private final RowGuard guard; // null if there is none
  private final GoodParameters good;
  private Batch taken; // of the rows that were given last, kept until others are or this is closed
  private Batch current;
  private double watched;
  private double gradientSquares;
  private boolean hasOffset;

  /** Allocates it; errors are those of {@code OnlineRegression.Builder.open}. */
  public OnlineFit(
      OnlineSetup setup,
      Backend backend,
      TensorArena arena,
      List<String> features,
      List<String> targets) {
    this.setup = setup.copy();
    this.backend = backend;
    this.features = features;
    this.targets = targets;
    int d = features.size();
    int k = targets.size();
    loss = setup.chosenLoss();
    Standardization given = setup.scales(d, k);
    scales = given == null ? Standardization.none(d, k) : given;
    isStaged = given != null || !backend.usesHostMemory();
    if (!backend.linear().supports(loss)) {
      throw new IllegalArgumentException(
          "backend '%s' has no gradient of loss '%s'; use a backend in host memory"
              .formatted(backend.name(), loss.name()));
    }
    regression = new LinearRegression(backend, arena, setup.dtype, d, k, setup.hasIntercept);
    regression.use(loss);
    long rows = isStaged ? setup.maximumRows : 1;
    staged = new StagedRows(backend, arena, setup.dtype, rows, d, k, given, setup.hasIntercept);
    taken = staged.batch(true);
    current = taken;
    optimizer =
        StandardizedPenalty.optimizer(setup.optimizer, scales, 2)
            .build(regression.parameters(), backend, arena);
    gradient = regression.gradient().flat();
    weights = onHost(arena, regression.weights());
    intercept = setup.hasIntercept ? onHost(arena, regression.intercept()) : null;
    single = new LossLog(backend, arena, regression, true);
    boolean isAwaited = optimizer.nonFinite() != NonFinitePolicy.PROPAGATE;
    ahead = new LossLog(backend, arena, regression, isAwaited);
    rate =
        RunningRate.of(
            setup.optimizer.rule(),
            loss,
            setup.isAutomatic,
            setup.forgetting,
            setup.hasIntercept ? d + 1 : d,
            setup.start != null);
    start();
    boolean isGuarded = setup.factor < Double.POSITIVE_INFINITY;
    guard =
        isGuarded
            ? new RowGuard(setup.factor, loss.hasLink() ? 1 : ZEROS_SHARE, setup.limit)
            : null;
    good = isGuarded ? new GoodParameters(backend, arena, optimizer, guard) : null;
  }

  private static Tensor onHost(TensorArena arena, Tensor t) {
    return t.isHost() ? t : arena.allocate(t.name(), t.dtype(), t.shape());
  }

  /** Puts the model to start from in place, or leaves zeros. */
  private void start() {
    if (setup.start != null) {
      hasOffset = setup.start.hasOffset();
      scales.fold(setup.start.in(features, targets, loss), weights, intercept);
      if (weights != regression.weights()) {
        backend.copy(weights, regression.weights());
        if (intercept != null) {
          backend.copy(intercept, regression.intercept());
        }
      }
    }
  }

  /** Begins again as it was opened. */
  public void reset() {
    for (Tensor state : optimizer.state()) {
      clear(state);
    }
    if (optimizer.averaged() != null) {
      clear(optimizer.averaged().flat());
    }
    clear(optimizer.parameters().flat());
    optimizer.resumeAt(0);
    hasOffset = false;
    start();
    if (rate != null) {
      rate.reset();
    }
    if (guard != null) {
      guard.reset();
      good.keep();
    }
  }

  private void clear(Tensor t) {
    try (TensorArena zeros = TensorArena.open("zeros")) {
      backend.copy(zeros.allocate("zeros", t.dtype(), t.shape()), t);
    }
  }

  /** Takes in one row, and returns the sum of the squares of its targets. */
  public double stage(double[] row, double[] target, double weight, double offset) {
    staged.requireUsable();
    boolean isPlain = weight == 1 && offset == 0;
    if (!isPlain) {
      requireOffsets(offset != 0);
    }
    double squares = staged.stage(row, target);
    if (!isPlain) {
      staged.stage(weight, offset);
    }
    current = staged.batch(isPlain);
    return squares;
  }

  private void requireOffsets(boolean isShifted) {
    if (!backend.linear().supportsWeights()) {
      throw new IllegalArgumentException(
          "backend '%s' takes no weights and offsets; use a backend in host memory"
              .formatted(backend.name()));
    }
    if (isShifted) {
      for (int j = 1; j < targets.size(); j++) {
        if (scales.targetScale(j) != scales.targetScale(0)) {
          throw new IllegalArgumentException(
              "one offset is no number for standardized targets of several scales; standardize withRawTargets()");
        }
      }
      hasOffset = true;
    }
  }

  /** Takes in a batch, and returns the mean over rows of the sum of the squares of its targets. */
  public double take(DenseRows batch) {
    requireBatch(batch);
    if (isStaged) {
      double squares = staged.stage(batch);
      current = staged.batch(batch.isPlain());
      return squares;
    }
    if (!taken.rows().equals(batch)) {
      taken = new Batch(batch);
    }
    current = taken;
    return staged.look(batch);
  }

  private void requireBatch(DenseRows batch) {
    Tensor x = batch.x();
    Tensor y = batch.y();
    x.requireDType(setup.dtype);
    y.requireDType(setup.dtype);
    if (batch.features() != features.size() || batch.outputs() != targets.size()) {
      throw new IllegalArgumentException(
          "batch of '%s' %s and '%s' %s: [rows, %d] and [rows, %d] of the same rows are needed"
              .formatted(
                  x.name(), x.shape(), y.name(), y.shape(), features.size(), targets.size()));
    }
    if (x.rows() < 1 || x.rows() > setup.maximumRows) {
      throw new IllegalArgumentException(
          "batch of '%s' has %,d rows where 1 to %,d are accepted; OnlineRegression.Builder.maximumRows sets the most"
              .formatted(x.name(), x.rows(), setup.maximumRows));
    }
    x.requireHost();
    y.requireHost();
    staged.requireUsable();
    if (!batch.isPlain()) {
      requireOffsets(batch.offset() != null);
    }
  }

  /** Computes gradient and loss of the rows that were taken in, and returns it in raw units. */
  public double look(long rows) {
    single.clear();
    computeGradient(single, rows);
    single.read();
    return read(single, 0);
  }

  private void computeGradient(LossLog losses, long rows) {
    regression.computeGradient(
        current, 0, rows, losses.next(rows, optimizer.steps() + 1, optimizer.lastLearningRate()));
  }

  private double read(LossLog losses, int batch) {
    watched = 0;
    double raw = 0;
    for (int j = 0; j < targets.size(); j++) {
      double lost = losses.loss(batch, j) / staged.meanWeight();
      watched += lost;
      raw += lost * scales.lossScale(j);
    }
    return raw / targets.size();
  }

  /** The loss that was looked at last, summed over targets, in the units of training. */
  public double watched() {
    return watched;
  }

  /** Lets the guard judge what was looked at. */
  public RowGuard.Verdict judge(long rows) {
    measure();
    if (guard.wantsZeros()) {
      staged.measureZeros(loss, rows);
    }
    return guard.judge(watched, gradientSquares, staged.zeroLoss(), staged.zeroGradient());
  }

  private void measure() {
    double length = backend.linear().norm2(gradient) / staged.meanWeight();
    gradientSquares = length * length;
  }

  /** The squared length of the gradient that was judged last. */
  public double gradientSquares() {
    return gradientSquares;
  }

  /** Steps on the gradient of those rows. */
  public void step(long rows) {
    if (rate != null) {
      rate.prepare(optimizer, rate.isAutomatic() ? staged.squaredLength(rows) : 1);
    }
    optimizer.step(gradient);
    if (good != null && guard.isCalm()) {
      good.advance();
    }
  }

  /** True if the good parameters would take the rows that were taken in. */
  public boolean isUsualForGood(long rows) {
    good.tryGood();
    look(rows);
    measure();
    staged.measureZeros(loss, rows);
    boolean isUsual =
        guard.isUsual(watched, gradientSquares, staged.zeroLoss(), staged.zeroGradient());
    good.putBack();
    return isUsual;
  }

  public boolean hasFiniteParameters() {
    return backend.linear().isFinite(optimizer.parameters().flat());
  }

  public void restoreGood() {
    good.restore();
  }

  /** Returns to good parameters, with bounds that begin anew. */
  public void restartFromGood() {
    guard.startAgain();
    good.restoreParameters();
  }

  // What a stream without a guard has read ahead.

  public void beginAhead() {
    ahead.clear();
  }

  /** Computes gradient and loss; true if {@link #readAhead} is to be called. */
  public boolean lookAhead(long rows) {
    computeGradient(ahead, rows);
    return ahead.isFull();
  }

  public int readAhead() {
    return ahead.read();
  }

  /** The loss of a batch that was read, in raw units; sets {@link #watched}. */
  public double ahead(int batch) {
    return read(ahead, batch);
  }

  public long aheadRows(int batch) {
    return ahead.rows(batch);
  }

  public long aheadStep(int batch) {
    return ahead.step(batch);
  }

  public double aheadRate(int batch) {
    return ahead.rate(batch);
  }

  /** The model in raw units, finite or not. */
  public LinearModel model() {
    staged.requireUsable();
    if (weights != regression.weights()) {
      backend.copy(regression.weights(), weights);
      if (intercept != null) {
        backend.copy(regression.intercept(), intercept);
      }
    }
    LinearModel model = scales.unfold(weights, intercept, features, targets).withLoss(loss);
    LinearModel known = setup.start;
    if (known != null
        && known.encoding().isPresent()
        && known.features().equals(features)
        && known.targets().equals(targets)) {
      model = model.withEncoding(known.encoding().get());
    }
    return hasOffset ? model.withOffset(true) : model;
  }

  /** The number of a target with a value that the loss does not take; else -1. */
  public int unfitTarget(long rows) {
    return loss.isQuadratic() ? -1 : staged.unfitTarget(loss, rows);
  }

  /** The number of a feature that is not finite in those rows; else -1. */
  public int oddFeature(long rows) {
    return staged.oddFeature(rows);
  }

  public double meanWeight() {
    return staged.meanWeight();
  }

  public List<String> features() {
    return features;
  }

  public List<String> targets() {
    return targets;
  }

  public DType dtype() {
    return setup.dtype;
  }

  public Loss loss() {
    return loss;
  }

  public long limit() {
    return setup.limit;
  }

  public Standardization scales() {
    return scales;
  }

  public Optimizer optimizer() {
    return optimizer;
  }

  public RowGuard guard() {
    return guard;
  }

  RunningRate rate() {
    return rate;
  }

  boolean hasOffset() {
    return hasOffset;
  }

  /** Takes over what a file knows beside parameters and state, which are restored. */
  void restored(double[] guardMemory, double[] rateMemory, boolean isWithOffset) {
    hasOffset = isWithOffset;
    if (rate != null) {
      rate.restore(rateMemory);
    }
    if (guard != null) {
      guard.restore(guardMemory);
      good.keep();
    }
  }
}
