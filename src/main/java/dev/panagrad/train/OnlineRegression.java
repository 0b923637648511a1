package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.LossLog;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * A linear regression that is trained while its data arrives: by single rows, or by mini-batches
 * from a source of the caller's own. Every row or batch is one optimizer step, in the order of
 * arrival; the same rows in the same order as batches of {@link Trainer} give the same bits.
 *
 * <p>A row or batch whose loss is not finite, or beyond use, changes nothing: a service can drop it
 * and go on. Learning rates and penalties refer to raw units, or to those of the {@link
 * Builder#standardization standardization} if there is one.
 *
 * <p>Ownership: owns its memory, until closed; the backend stays open. Threading: one thread at a
 * time; the models it returns may be shared freely, as by {@link
 * dev.panagrad.regression.ServedModel#swap}.
 */
public final class OnlineRegression implements AutoCloseable {
  private final Backend backend;
  private final DType dtype;
  private final List<String> features;
  private final List<String> targets;
  private final long maximumRows;
  private final boolean isStaged;
  private final Standardization scales;
  private final TensorArena arena;
  private final StagedRows staged;
  private final LinearRegression regression;
  private final Optimizer optimizer;
  private final Tensor gradient;
  private final Tensor weights;
  private final Tensor intercept;
  private Batch taken; // of the rows that were given last, kept until others are or this is closed
  private final LossLog single; // read after every batch
  private final LossLog ahead; // of a stream; looking at it means waiting for a device
  private final DivergenceWatch watch;

  private OnlineRegression(
      Builder options, Backend backend, List<String> features, List<String> targets) {
    this.backend = backend;
    this.dtype = options.dtype;
    this.features = List.copyOf(features);
    this.targets = List.copyOf(targets);
    this.maximumRows = options.maximumRows;
    int d = features.size();
    int k = targets.size();
    Standardization given = options.scales(d, k);
    scales = given == null ? Standardization.none(d, k) : given;
    isStaged = given != null || !backend.usesHostMemory();
    arena = TensorArena.open("online regression");
    try {
      regression = new LinearRegression(backend, arena, dtype, d, k, options.hasIntercept);
      staged = new StagedRows(backend, arena, dtype, isStaged ? maximumRows : 1, d, k, given);
      taken = staged.batch();
      optimizer =
          StandardizedPenalty.optimizer(options.optimizer, scales)
              .build(regression.parameters(), backend, arena);
      gradient = regression.gradient().flat();
      weights = onHost(regression.weights());
      intercept = options.hasIntercept ? onHost(regression.intercept()) : null;
      single = new LossLog(backend, arena, regression, true);
      boolean isAwaited = optimizer.nonFinite() != NonFinitePolicy.PROPAGATE;
      ahead = new LossLog(backend, arena, regression, isAwaited);
      watch = new DivergenceWatch(dtype, Double.NaN, 0, OnlineRegression::advice);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private Tensor onHost(Tensor t) {
    return t.isHost() ? t : arena.allocate(t.name(), t.dtype(), t.shape());
  }

  public static Builder with(Optimizer.Builder optimizer) {
    return new Builder(optimizer);
  }

  /** Options. Defaults: F64, intercept, no standardization, batches of one row. */
  public static final class Builder {
    private final Optimizer.Builder optimizer;
    private DType dtype = DType.F64;
    private boolean hasIntercept = true;
    private Standardization standardization;
    private long maximumRows = 1;

    private Builder(Optimizer.Builder optimizer) {
      this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
    }

    /** The type of parameters, state and batches: F32 or F64. */
    public Builder dtype(DType type) {
      if (!type.isFloating()) {
        throw new IllegalArgumentException("parameters are F32 or F64, found " + type);
      }
      this.dtype = type;
      return this;
    }

    /** A model through the origin. */
    public Builder withoutIntercept() {
      this.hasIntercept = false;
      return this;
    }

    /**
     * Standardizes every row by these moments, in a copy, and folds them back into the model. They
     * do not change with the data; a feature that was constant keeps coefficient 0.
     */
    public Builder standardization(Standardization moments) {
      this.standardization = Objects.requireNonNull(moments, "moments");
      return this;
    }

    /** The most rows that a batch may have. */
    public Builder maximumRows(long rows) {
      this.maximumRows = Checks.count("maximum rows", rows);
      return this;
    }

    private Standardization scales(int d, int k) {
      if (standardization == null) {
        return null;
      }
      if (standardization.features() != d || standardization.targets() != k) {
        throw new IllegalArgumentException(
            "the standardization is of %d features and %d targets, the regression has %d and %d"
                .formatted(standardization.features(), standardization.targets(), d, k));
      }
      if (standardization.isShifted() && !hasIntercept) {
        throw new IllegalArgumentException(
            "the standardization subtracts means, which a model without intercept cannot undo; fit it without a shift");
      }
      return StandardizedPenalty.scales(standardization, optimizer.penalty());
    }

    /**
     * Allocates it, with all parameters zero, for rows of columns with these names.
     *
     * @param backend where to compute; stays open, and must until this is closed
     * @throws IllegalArgumentException if the standardization is of other columns, or shifts for a
     *     model without intercept, or the backend cannot run the optimizer's rule
     */
    public OnlineRegression open(Backend backend, List<String> features, List<String> targets) {
      return new OnlineRegression(this, backend, features, targets);
    }
  }

  /**
   * One step on one row [features] and its targets [targets], in raw units. Allocates nothing.
   *
   * @return the squared error of the row before the step, averaged over targets, in raw units
   * @throws IllegalArgumentException if a length differs; nothing changes
   * @throws DivergenceException if the loss is not finite or beyond use; nothing changes
   * @throws IllegalStateException if this or the backend is closed; nothing changes
   */
  public double update(double[] row, double[] target) {
    if (row.length != features.size() || target.length != targets.size()) {
      throw new IllegalArgumentException(
          "the regression has %d features and %d targets, the row %d and %d"
              .formatted(features.size(), targets.size(), row.length, target.length));
    }
    staged.requireUsable();
    return step(staged.batch(), 1, staged.stage(row, target));
  }

  /**
   * One step on a batch, of the type of the regression and up to {@link Builder#maximumRows} rows.
   * Allocates nothing where a batch is given again, with other values in it.
   *
   * @return the mean squared error of the rows before the step, averaged over targets, in raw units
   * @throws IllegalArgumentException if a shape or type does not fit; nothing changes
   */
  public double update(DenseRows batch) {
    double squares = take(batch);
    return step(taken, batch.count(), squares);
  }

  /** Takes in a batch, and returns the mean over rows of the sum of the squares of its targets. */
  private double take(DenseRows batch) {
    requireBatch(batch);
    if (isStaged) {
      return staged.stage(batch);
    }
    if (!taken.rows().equals(batch)) {
      taken = new Batch(batch);
    }
    return StagedRows.squares(batch.y());
  }

  private double step(Batch batch, long rows, double squares) {
    single.clear();
    computeGradient(single, batch, rows);
    double loss = look(single, squares, null);
    optimizer.step(gradient);
    return loss;
  }

  /**
   * One step on every batch, of any number of rows up to {@link Builder#maximumRows}. A batch's
   * memory is read before the next one is asked for, so that a source may use it again.
   *
   * @throws IllegalArgumentException if a batch does not fit; steps on those before stay made
   * @throws DivergenceException if a loss is not finite or beyond use; nothing of that batch is in
   *     the parameters, but a device is looked at every 64 steps, and may have gone on for as many
   */
  public StreamResult fit(Iterator<DenseRows> batches) {
    long before = optimizer.steps();
    long skippedBefore = optimizer.skippedSteps();
    long read = 0;
    long rows = 0;
    double[] loss = new double[1];
    ahead.clear();
    double squares = 0;
    while (batches.hasNext()) {
      DenseRows batch = batches.next();
      squares = Math.max(squares, take(batch));
      computeGradient(ahead, taken, batch.count());
      read++;
      rows += batch.count();
      if (ahead.isFull()) {
        look(ahead, squares, loss);
        squares = 0;
      }
      optimizer.step(gradient);
    }
    look(ahead, squares, loss);
    return new StreamResult(
        read,
        optimizer.steps() - before,
        optimizer.skippedSteps() - skippedBefore,
        rows,
        rows == 0 ? Double.NaN : loss[0] / rows);
  }

  private void computeGradient(LossLog losses, Batch batch, long rows) {
    Gradient into = losses.next(rows, optimizer.steps() + 1, optimizer.lastLearningRate());
    regression.computeGradient(batch, 0, rows, into);
  }

  /** Reads losses, adds them by rows to a sum, if any, and returns the last in raw units. */
  private double look(LossLog losses, double squares, double[] sum) {
    int read = losses.read();
    double raw = Double.NaN;
    for (int batch = 0; batch < read; batch++) {
      double watched = 0;
      raw = 0;
      for (int j = 0; j < targets.size(); j++) {
        double loss = losses.loss(batch, j);
        watched += loss;
        raw += loss * scales.lossScale(j);
      }
      raw /= targets.size();
      watch.requireUseful(watched, squares, "at", losses.step(batch), 0, losses.rate(batch));
      if (sum != null) {
        sum[0] += raw * losses.rows(batch);
      }
    }
    return raw;
  }

  private static String advice(double rate) {
    return String.format(
        Locale.ROOT,
        "if these rows are as others, try a learning rate of %.2g or standardize the features; if their values are not finite or far outside, leave them out",
        rate / 10);
  }

  private void requireBatch(DenseRows batch) {
    Tensor x = batch.x();
    Tensor y = batch.y();
    x.requireDType(dtype);
    y.requireDType(dtype);
    if (!batch.isPlain()) {
      throw new IllegalArgumentException(
          "batch of '%s' has weights or offsets, which an online regression does not take"
              .formatted(x.name()));
    }
    if (batch.features() != features.size() || batch.outputs() != targets.size()) {
      throw new IllegalArgumentException(
          "batch of '%s' %s and '%s' %s: [rows, %d] and [rows, %d] of the same rows are needed"
              .formatted(
                  x.name(), x.shape(), y.name(), y.shape(), features.size(), targets.size()));
    }
    if (x.rows() < 1 || x.rows() > maximumRows) {
      throw new IllegalArgumentException(
          "batch of '%s' has %,d rows where 1 to %,d are accepted; OnlineRegression.Builder.maximumRows sets the most"
              .formatted(x.name(), x.rows(), maximumRows));
    }
    x.requireHost();
    y.requireHost();
    staged.requireUsable();
  }

  /**
   * The model as it is now, in raw units: a copy, which later updates do not change.
   *
   * @throws DivergenceException if a parameter is not finite: the last step has diverged
   * @throws IllegalStateException if this is closed
   */
  public LinearModel model() {
    staged.requireUsable();
    if (weights != regression.weights()) {
      backend.copy(regression.weights(), weights);
      if (intercept != null) {
        backend.copy(regression.intercept(), intercept);
      }
    }
    LinearModel model = scales.unfold(weights, intercept, features, targets);
    for (int j = 0; j < targets.size(); j++) {
      double sum = model.intercept(j);
      for (int f = 0; f < features.size(); f++) {
        // Not finite if any coefficient is not, and cannot overflow.
        sum += model.coefficient(j, f) * 0;
      }
      if (!Double.isFinite(sum)) {
        throw new DivergenceException(
            "the parameters of target '%s' are not finite after step %d, with learning rate %s"
                .formatted(targets.get(j), optimizer.steps(), optimizer.lastLearningRate()),
            optimizer.steps());
      }
    }
    return model;
  }

  public List<String> features() {
    return features;
  }

  public List<String> targets() {
    return targets;
  }

  /** Its counters, and parameters and state for a {@link dev.panagrad.optimizer.Checkpoint}. */
  public Optimizer optimizer() {
    return optimizer;
  }

  /** Frees its memory. A second close does nothing. */
  @Override
  public void close() {
    arena.close();
  }
}
