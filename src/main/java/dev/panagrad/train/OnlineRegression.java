package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Loss;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.optimizer.PartlyRestoredException;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelMismatchException;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Checks;
import dev.panagrad.safetensors.NotDurableException;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.online.OnlineFile;
import dev.panagrad.train.online.OnlineFit;
import dev.panagrad.train.online.OnlineSetup;
import dev.panagrad.train.online.Turn;
import dev.panagrad.train.online.WarmUp;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/**
 * Trains a linear regression while its data arrives: by single rows, or by mini-batches from a
 * source of the caller's own. Every row or batch is one optimizer step, in the order of arrival;
 * the same batches of a {@link Trainer} of all rows in order give the same bits.
 *
 * <p>A guard looks at each row or batch before its step. One whose loss or gradient is not finite,
 * or beyond 1,000 times the usual (squares: 32 times the usual error), is refused by a {@link
 * RefusedRowException} and changes nothing: drop it and go on. After 100 refusals, less one for
 * each 10 acceptances, it tries the row on parameters of some rows before. If they take it, the
 * present ones were at fault: a {@link DivergedModelException}, and the regression returns to
 * those. If not, the stream has changed, which the last refusal says, and the bounds are learned
 * anew: rows are never refused for ever. Rows that are rare, right and of another order of
 * magnitude than all others stay refused: {@link Builder#refuseAbove} a larger factor takes them.
 *
 * <p>Learning rates and penalties refer to raw units, or to those of the {@link
 * Builder#standardization standardization} if there is one.
 *
 * <p>Ownership: owns its memory, until closed: parameters and state, and with the guard two more
 * copies of them; the backend stays open. Threading: one thread at a time; another one is refused
 * with both names, except that any may close. Models may be shared freely, as by {@link
 * dev.panagrad.regression.ServedModel#swap}.
 */
public final class OnlineRegression implements AutoCloseable {
  private final List<String> features;
  private final List<String> targets;
  private final Builder options;
  private final Backend backend;
  private final OnlineFit fit;
  private final OnlineSteps steps;
  private final Turn turn;

  private OnlineRegression(
      Builder options, Backend backend, List<String> features, List<String> targets) {
    this.features = List.copyOf(features);
    this.targets = List.copyOf(targets);
    this.options = options.copy();
    this.backend = backend;
    TensorArena arena = TensorArena.open("online regression");
    turn = new Turn(arena::close);
    try {
      fit = new OnlineFit(options.setup, backend, arena, this.features, this.targets);
      steps = new OnlineSteps(fit, options.isRestoring);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  public static Builder with(Optimizer.Builder optimizer) {
    return new Builder(optimizer);
  }

  /**
   * Sets options. Defaults are F64, squared error, intercept, zeros, no standardization, single
   * rows, a guard that refuses above 1,000 times the usual and returns to good parameters itself.
   */
  public static final class Builder {
    private OnlineSetup setup;
    private boolean isRestoring = true;

    private Builder(Optimizer.Builder optimizer) {
      setup = new OnlineSetup(Objects.requireNonNull(optimizer, "optimizer"));
    }

    /** Sets the type of parameters, state and batches: F32 or F64. */
    public Builder dtype(DType type) {
      if (!type.isFloating()) {
        throw new IllegalArgumentException("parameters are F32 or F64, found " + type);
      }
      setup.dtype = type;
      return this;
    }

    /** Fits another loss than the squared error; targets then stay in raw units. */
    public Builder loss(Loss loss) {
      setup.loss = Objects.requireNonNull(loss, "loss");
      return this;
    }

    /** Fits a model through the origin. */
    public Builder withoutIntercept() {
      setup.hasIntercept = false;
      return this;
    }

    /**
     * Standardizes every row by these moments, in a copy, and folds them back into the model. They
     * do not change with the data; a feature that was constant keeps coefficient 0.
     */
    public Builder standardization(Standardization moments) {
      setup.standardization = Objects.requireNonNull(moments, "moments");
      return this;
    }

    /**
     * Starts with a fitted model instead of zeros, in whatever units rows are trained in. Its
     * features are found by name; those that it does not have start at zero. Its targets and its
     * loss are those of the regression: unless {@link #loss} was called, that is set too.
     */
    public Builder startFrom(LinearModel model) {
      setup.start = Objects.requireNonNull(model, "model");
      return this;
    }

    /** Sets the most rows that a batch may have. */
    public Builder maximumRows(long rows) {
      setup.maximumRows = Checks.count("maximum rows", rows);
      return this;
    }

    /** Refuses rows whose loss or squared gradient is above this multiple, over 1, of the usual. */
    public Builder refuseAbove(double factor) {
      if (!(factor > 1)) {
        throw new IllegalArgumentException(
            "rows are refused above a multiple of the usual that is larger than 1, found "
                + factor);
      }
      setup.factor = factor;
      return this;
    }

    /** Takes the stream as changed after that many refusals, less one for every 10 acceptances. */
    public Builder adaptAfter(long refusals) {
      setup.limit = Checks.count("refusals", refusals);
      return this;
    }

    /** Refuses only rows whose loss is not finite, or 1e20 times the first; keeps no copies. */
    public Builder withoutGuard() {
      setup.factor = Double.POSITIVE_INFINITY;
      return this;
    }

    /**
     * Keeps parameters that have diverged, for a look at them, and refuses rows until {@link
     * OnlineRegression#rollBack} or {@link OnlineRegression#reset}; else good ones return at once.
     */
    public Builder withoutReturn() {
      isRestoring = false;
      return this;
    }

    /**
     * Takes the learning rate from the rows, before each step: {@code 1 / (2 c Q)} for SGD and
     * {@code 1 / (c Q)} for gradient descent, with the loss's largest second derivative c (2 for
     * the squared error) and the largest running mean Q of the rows' squared length, or the row's
     * own; and less as more rows count, see {@link #forgetting}, here 0.999 unless it is called.
     * The rule's own rate has no part; a schedule multiplies.
     */
    public Builder automaticRate() {
      setup.isAutomatic = true;
      return this;
    }

    /**
     * Makes rates fall as the number of rows that count grows, n = 1 + factor + factor^2 ...: a row
     * that is k rows old counts factor^k. A given rate is divided by n; an automatic one is
     * multiplied by min(1, 2 d / n) for d coefficients. With 1 all rows count alike. A model to
     * start from counts as 1 / (1 - factor) rows, and at most 1,000.
     *
     * @param factor in (0, 1]
     */
    public Builder forgetting(double factor) {
      setup.forgetting = Checks.positiveFraction("forgetting factor", factor);
      return this;
    }

    private Builder copy() {
      Builder copy = new Builder(setup.optimizer);
      copy.isRestoring = isRestoring;
      copy.setup = setup.copy();
      return copy;
    }

    /**
     * Allocates it for rows of columns with these names.
     *
     * @param backend where to compute; stays open, and must until this is closed
     * @throws IllegalArgumentException if the standardization is of other columns, or shifts for a
     *     model without intercept, or the backend cannot run the optimizer's rule or the loss
     * @throws ModelMismatchException if the model to start from has another feature, target or loss
     */
    public OnlineRegression open(Backend backend, List<String> features, List<String> targets) {
      return new OnlineRegression(this, backend, features, targets);
    }

    /**
     * Goes on where {@link OnlineRegression#save} was called, bit for bit on the same backend. A
     * standardization is the file's, if none was given.
     *
     * @throws IOException if the file cannot be read, is damaged, or is of other names, types,
     *     losses, rules or moments, with what differs
     */
    public OnlineRegression restore(
        Backend backend, List<String> features, List<String> targets, Path file)
        throws IOException {
      Builder known = copy();
      if (setup.standardization == null) {
        known.setup.standardization =
            OnlineFile.standardization(file, features.size(), targets.size());
      }
      OnlineRegression regression = known.open(backend, features, targets);
      try {
        regression.restore(file);
        return regression;
      } catch (Throwable e) {
        regression.close();
        throw e;
      }
    }
  }

  /**
   * Lets the JVM compile what {@link #update(double[], double[])} calls, by updates of a copy on
   * rows of noise until they get no faster; this regression does not change.
   *
   * @param most how long it may take; 5 seconds are enough for backend simd
   */
  public void warmUp(Duration most) {
    try (OnlineRegression copy = new OnlineRegression(options, backend, features, targets)) {
      new WarmUp(standardization(), targets.size()).run(most, copy::tryUpdate);
    }
  }

  private void tryUpdate(double[] row, double[] target) {
    try {
      update(row, target);
    } catch (DivergenceException e) {
      // By a rate that is too large for noise.
    }
  }

  /**
   * Makes a step on one row [features] and its targets [targets], in raw units. Allocates nothing.
   *
   * @return the loss of the row before the step, averaged over targets; in raw units
   * @throws IllegalArgumentException if a length differs; nothing changes
   * @throws RefusedRowException if loss or gradient are not finite or beyond use; nothing changes
   * @throws DivergedModelException if the parameters are beyond use
   * @throws IllegalStateException if this or the backend is closed, or another thread is at work;
   *     nothing changes
   */
  public double update(double[] row, double[] target) {
    return update(row, target, 1, 0);
  }

  /**
   * Makes a step on a row with a weight and an offset.
   *
   * @param weight factor of the row's loss, finite and not negative; 0 leaves the row out
   * @param offset known part of the linear predictor, finite and in raw units. With standardized
   *     targets of several scales there is none
   * @return the loss of the row as if its weight were 1; NaN for a row that is left out
   */
  public double update(double[] row, double[] target, double weight, double offset) {
    turn.enter();
    try {
      if (row.length != features.size() || target.length != targets.size()) {
        throw new IllegalArgumentException(
            "the regression has %d features and %d targets, the row %d and %d"
                .formatted(features.size(), targets.size(), row.length, target.length));
      }
      if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY && Double.isFinite(offset))) {
        throw new IllegalArgumentException(
            "a row has weight %s and offset %s: a finite weight of at least 0 and a finite offset are needed"
                .formatted(weight, offset));
      }
      double squares = fit.stage(row, target, weight, offset);
      return weight == 0 ? Double.NaN : steps.step(1, squares);
    } finally {
      turn.leave();
    }
  }

  /**
   * Makes a step on a batch, of the type of the regression and up to {@link Builder#maximumRows}
   * rows, with weights and offsets if it has them. Allocates nothing where a batch is given again,
   * with other values in it.
   *
   * @return the mean loss of the rows before the step, averaged over targets, in raw units; for
   *     weights of mean 1
   * @throws IllegalArgumentException if a shape or type does not fit; nothing changes
   */
  public double update(DenseRows batch) {
    turn.enter();
    try {
      double squares = fit.take(batch);
      return fit.meanWeight() == 0 ? Double.NaN : steps.step(batch.count(), squares);
    } finally {
      turn.leave();
    }
  }

  /**
   * Makes a step on every batch, of any number of rows up to {@link Builder#maximumRows}. A batch's
   * memory is read before the next one is asked for, so that a source may use it again. With the
   * guard, batches that it refuses are counted and left out, and a device is waited for at each
   * one.
   *
   * @throws IllegalArgumentException if a batch does not fit; steps on those before stay made
   * @throws DivergedModelException if the parameters are beyond use; the source is behind that
   *     batch
   * @throws DivergenceException without the guard, if a loss is not finite or beyond use; nothing
   *     of that batch is in the parameters, but a device is looked at every 64 steps, and may have
   *     gone on for as many
   */
  public StreamResult fit(Iterator<DenseRows> batches) {
    turn.enter();
    try {
      return steps.fit(batches, turn);
    } finally {
      turn.leave();
    }
  }

  /**
   * Returns the model as it is now, in raw units: a copy, which later updates do not change.
   *
   * @throws DivergedModelException if a parameter is not finite, or recent losses say that the
   *     parameters are beyond use
   * @throws IllegalStateException if this is closed, or another thread is at work
   */
  public LinearModel model() {
    turn.enter();
    try {
      return steps.model();
    } finally {
      turn.leave();
    }
  }

  /**
   * Returns to the last parameters, optimizer state and bounds that were good: at most 128 accepted
   * rows or batches before, or the start.
   *
   * @throws IllegalStateException without the guard, which keeps them
   */
  public void rollBack() {
    turn.enter();
    try {
      steps.rollBack();
    } finally {
      turn.leave();
    }
  }

  /** Begins again, as it was opened: with zeros or the model to start from, knowing no row. */
  public void reset() {
    turn.enter();
    try {
      steps.reset();
    } finally {
      turn.leave();
    }
  }

  /**
   * Writes names, loss, moments, parameters, optimizer state and what the guard knows as one
   * safetensors file in place of what was there, and fsyncs it; {@link Builder#restore} reads it.
   *
   * @throws NotDurableException if it was written and replaced, and may not outlast a crash
   * @throws IOException if it cannot be written; what was there still is
   */
  public void save(Path file) throws IOException {
    turn.enter();
    try {
      steps.requireHope();
      OnlineFile.save(fit, file);
    } finally {
      turn.leave();
    }
  }

  /**
   * Goes on where {@link #save} was called, from a file of the same names, types, loss, rule and
   * moments.
   *
   * @throws PartlyRestoredException if the file changed while it was read; {@link #reset} helps
   * @throws IOException if the file cannot be read, is damaged, or differs; nothing has changed
   */
  public void restore(Path file) throws IOException {
    turn.enter();
    try {
      OnlineFile.restore(fit, file);
      steps.restored();
    } finally {
      turn.leave();
    }
  }

  public List<String> features() {
    return features;
  }

  public List<String> targets() {
    return targets;
  }

  /** Returns the moments by which rows are standardized; those of no change if there are none. */
  public Standardization standardization() {
    return fit.scales();
  }

  /** Returns the number of rows and batches that were refused since it was opened. */
  public long refused() {
    return steps.refused();
  }

  /** Counts how often it has returned to good parameters by itself. */
  public long returns() {
    return steps.returns();
  }

  /** Returns its counters, parameters and state. */
  public Optimizer optimizer() {
    return fit.optimizer();
  }

  /** Frees its memory once an update under way has ended; later calls are refused. */
  @Override
  public void close() {
    turn.close();
  }
}
