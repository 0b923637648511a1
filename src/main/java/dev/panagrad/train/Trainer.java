package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.rule.Checks;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.rows.LossPlan;
import dev.panagrad.train.rows.RowPlan;
import dev.panagrad.train.rows.RowSource;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Fits linear regressions. A trainer is a reusable description; each {@link #fit} is a training of
 * its own, so that threads may fit with one trainer that none of them changes.
 *
 * <p>Defaults: 100 epochs, full batch, shuffled where batches are smaller than the data, seed 0,
 * intercept, no standardization, no held-out rows, no early stop, gradients from the rows.
 */
public final class Trainer {
  private final Optimizer.Builder optimizer; // null where a solver iterates
  private final Solver solver; // null where the optimizer steps; both where it is automatic
  private final Penalty penalty; // the solver's; an optimizer has its own
  private final List<TrainingListener> listeners = new ArrayList<>();
  private long epochs; // 0 where they were not given
  private long batchSize = FULL_BATCH;
  private boolean gram;
  private boolean shuffle = true;
  private long seed;
  private boolean intercept = true;
  private boolean standardize;
  private double validationFraction;
  private double lossTolerance;
  private int patience;
  private double gradientTolerance;
  private Duration maximumTime;
  private long dataMemory;
  private Checkpoints checkpoints;
  private boolean resume;
  private boolean automaticRate;
  private Loss loss = new Squared();
  private Tensor weights;
  private Tensor offset;
  private List<Double> classWeights; // of 0 and 1; empty if balanced, null if there are none
  private boolean certify;
  private boolean keepsLast;
  private LinearModel start; // null for zeros
  private int accumulate = 1;
  private boolean varianceReduced;
  private RateReduction rateReduction; // null if the rate is not lowered
  private BooleanSupplier stopWhen = () -> false;

  private static final long DEFAULT_EPOCHS = 100;

  /** This batch size stands for all training rows. */
  public static final long FULL_BATCH = RowPlan.FULL_BATCH;

  private Trainer(Optimizer.Builder optimizer, Solver solver, Penalty penalty) {
    this.optimizer = optimizer;
    this.solver = solver;
    this.penalty = penalty;
  }

  /**
   * Makes a trainer that takes the method for loss, penalty and size of the data when it is told to
   * fit: see {@link AutomaticMethod}. It may take {@value AutomaticMethod#MAX_EPOCHS} epochs where
   * none are given, and ends by itself at the minimum.
   */
  public static Trainer automatic(Penalty penalty) {
    return new Trainer(null, null, Objects.requireNonNull(penalty, "penalty"));
  }

  /** Makes an automatic trainer without a penalty. */
  public static Trainer automatic() {
    return automatic(Penalty.none());
  }

  /** Makes a trainer with that optimizer and default options. */
  public static Trainer with(Optimizer.Builder optimizer) {
    return new Trainer(Objects.requireNonNull(optimizer, "optimizer"), null, null);
  }

  /**
   * Makes a trainer with a method that looks at all rows. An epoch is one of its iterations, of one
   * pass or a few over the rows; it ends by itself where the gradient is as good as zero.
   */
  public static Trainer with(Solver solver, Penalty penalty) {
    return new Trainer(
        null, Objects.requireNonNull(solver, "solver"), Objects.requireNonNull(penalty, "penalty"));
  }

  /** Sets the passes over the training rows, at least 1. */
  public Trainer epochs(long count) {
    this.epochs = Checks.count("epochs", count);
    return this;
  }

  /**
   * Sets the rows per step, at least 1 and at most the training rows. The last batch of an epoch
   * holds what is left and is averaged over its own size.
   */
  public Trainer batchSize(long rows) {
    this.batchSize = Checks.count("batch size", rows);
    return this;
  }

  /**
   * Sums X^T X and X^T y of the training rows once, in F64, and takes gradient and loss of every
   * step from them: see {@link dev.panagrad.regression.NormalEquations} for what is gained and
   * lost. Losses of held-out rows and of the result are computed from the rows all the same. It
   * takes full batches, and backends that compute in host memory.
   */
  public Trainer gram() {
    this.gram = true;
    return this;
  }

  /** Makes one step per epoch, on all training rows. */
  public Trainer fullBatch() {
    this.batchSize = FULL_BATCH;
    return this;
  }

  /** Keeps rows in their order in every epoch. */
  public Trainer inOrder() {
    this.shuffle = false;
    return this;
  }

  /** Sets the seed of the shuffling and of the choice of held-out rows. */
  public Trainer seed(long newSeed) {
    this.seed = newSeed;
    return this;
  }

  /** Fits a model through the origin. */
  public Trainer withoutIntercept() {
    this.intercept = false;
    return this;
  }

  /**
   * Standardizes features and targets, <b>in place</b>, by the weighted means and deviations of the
   * training rows, and folds them back into the model; see {@link #loss} for targets that stay.
   * Learning rates, bounds and tolerances then refer to standardized units; penalties to
   * standardized features and targets in raw units. The exact solution of least squares reads rows
   * as they are, and leaves them so where none are held out and none has an offset.
   */
  public Trainer standardizeInPlace() {
    this.standardize = true;
    return this;
  }

  /**
   * Holds out this fraction of the rows, chosen by the seed; in [0, 1). The model is that of the
   * epoch with their lowest loss, unless {@link #keepLast} was called.
   */
  public Trainer validation(double fraction) {
    this.validationFraction = Checks.fraction("validation fraction", fraction);
    return this;
  }

  /** Takes the model of the last epoch, not of the one with the lowest held-out loss. */
  public Trainer keepLast() {
    this.keepsLast = true;
    return this;
  }

  /**
   * Starts with a model instead of zeros, in whatever units rows are trained in: one with the same
   * features, in any order, targets and loss, such as {@link Checkpoints#model}. Methods that
   * compute the minimum at once do not need it.
   */
  public Trainer startFrom(LinearModel model) {
    this.start = Objects.requireNonNull(model, "model");
    return this;
  }

  /**
   * Stops after {@code epochs} epochs without an improvement of the watched loss by more than
   * {@code tolerance} times the best loss so far. It watches the loss of held-out rows if there are
   * any, else the training loss.
   */
  public Trainer patience(int epochs, double tolerance) {
    this.patience = (int) Checks.count("patience", epochs);
    this.lossTolerance = Checks.nonNegative("tolerance", tolerance);
    return this;
  }

  /** Stops, for full batches, when the norm of a gradient without penalty is at most this. */
  public Trainer gradientTolerance(double norm) {
    this.gradientTolerance = Checks.positive("gradient tolerance", norm);
    return this;
  }

  /** Stops at the end of the epoch in which this much time has passed since it began or resumed. */
  public Trainer maximumTime(Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException("maximum time must be positive, found " + time);
    }
    this.maximumTime = time;
    return this;
  }

  /**
   * Keeps at most that many bytes of a {@link TrainingFile}'s rows in memory, half of them for what
   * is read ahead and for pages of 1 or 2 MiB beside each block; so give at least 16 MiB. Rows are
   * shuffled and held out by blocks then: see {@link dev.panagrad.data.BlockOrder}.
   */
  public Trainer dataMemory(long bytes) {
    this.dataMemory = Checks.count("bytes of data in memory", bytes);
    return this;
  }

  /** Writes checkpoints; none if null. */
  public Trainer checkpoints(Checkpoints options) {
    this.checkpoints = options;
    return this;
  }

  /**
   * Goes on from the newest checkpoint that is not damaged, with the bits that the training would
   * have had without the interruption; from the beginning if there is none. Data and options that
   * results depend on must be the same; the number of epochs, what ends a training, and the
   * backend, which rounds differently, may differ.
   */
  public Trainer resume() {
    this.resume = true;
    return this;
  }

  /**
   * Stops, after a last checkpoint, once this is true: asked on this thread before every step. An
   * interrupt of this thread stops it too, and stays set.
   */
  public Trainer stopWhen(BooleanSupplier condition) {
    this.stopWhen = Objects.requireNonNull(condition, "condition");
    return this;
  }

  /**
   * Takes the learning rate from the data instead of the rule: see {@link
   * dev.panagrad.rule.UpdateRule#automaticRate}. Its three significant digits are in {@link
   * TrainingResult#learningRate}. Rules other than gradient descent get a rate that decays to zero
   * over all epochs, as half a cosine, unless the optimizer has a schedule. Both depend on the
   * number of epochs, which must then be the same where a training is resumed.
   *
   * <p>It takes one or two passes over the rows where there are at most 512 features, up to forty
   * otherwise, and one more where batches are smaller than the data.
   */
  public Trainer automaticRate() {
    this.automaticRate = true;
    return this;
  }

  /**
   * Computes a {@link Certificate} when the training ends, by one to four passes over the rows, for
   * losses other than the squared error some ten. For at most 512 features it has the condition
   * number.
   */
  public Trainer certify() {
    this.certify = true;
    return this;
  }

  /**
   * Fits that loss; others than the squared error in host memory. Data standardized in place keep
   * the targets of losses without a {@linkplain Loss#degree degree}, such as classes and counts.
   * For methods that look at all rows, and for quantiles beside a rule with coupled decay, they
   * keep those of all losses but the squared error.
   */
  public Trainer loss(Loss newLoss) {
    this.loss = Objects.requireNonNull(newLoss, "loss");
    return this;
  }

  /**
   * Sets how much each row counts [n], finite, at least 0: the loss is the weighted mean, and so
   * are means, deviations, metrics and what rates and certificates are computed from. A row of
   * weight m is m rows, up to rounding. A row of weight 0 is no row: it is neither trained on nor
   * held out, and may hold anything, also NaN; its values are still scaled where data are
   * standardized in place. A common factor of the weights changes nothing but the rounding.
   */
  public Trainer weights(Tensor newWeights) {
    this.weights = Objects.requireNonNull(newWeights, "weights");
    return this;
  }

  /**
   * Sets a part of the predictions that is known [n], finite, such as the logarithm of an exposure;
   * added before the loss. Targets are not standardized then.
   */
  public Trainer offset(Tensor newOffset) {
    this.offset = Objects.requireNonNull(newOffset, "offset");
    return this;
  }

  /** Multiplies the weights of rows whose target is 0 and 1; for the logistic loss. */
  public Trainer classWeights(double ofZero, double ofOne) {
    this.classWeights =
        List.of(
            Checks.positive("weight of class 0", ofZero),
            Checks.positive("weight of class 1", ofOne));
    return this;
  }

  /**
   * Sets class weights that give both classes the same sum of weights: {@code S / (2 S_c)}, with
   * the sum S of the training rows' weights and S_c of those of a class.
   */
  public Trainer balancedClasses() {
    this.classWeights = List.of();
    return this;
  }

  /** Makes one step on the mean gradient of that many batches, or of what an epoch has left. */
  public Trainer accumulate(int batches) {
    this.accumulate = (int) Checks.count("batches per step", batches);
    return this;
  }

  /**
   * Multiplies the learning rate by a factor in (0, 1) where {@link #patience} with these numbers
   * would stop, and again after as many epochs more; the schedule goes on beside it. It is
   * PyTorch's ReduceLROnPlateau with its {@code patience} one lower, as that waits for more than so
   * many epochs.
   */
  public Trainer reduceRate(double factor, int epochs, double tolerance) {
    this.rateReduction = new RateReduction(factor, epochs, tolerance);
    return this;
  }

  /**
   * Corrects the gradient of every batch by that of the same rows at the parameters where the epoch
   * began, so that its noise vanishes towards the minimum and a constant rate converges: SVRG
   * (Johnson and Zhang 2013). It takes three passes over the rows per epoch instead of one. The
   * rule's step must be proportional to the gradient, and batches smaller than the data.
   */
  public Trainer varianceReduced() {
    this.varianceReduced = true;
    return this;
  }

  /** Adds a listener. */
  public Trainer listener(TrainingListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * Returns the options as they are now; later changes of the trainer do not reach the plan. An
   * automatic method is that of few rows.
   */
  public TrainingPlan plan() {
    return plan(0, 0);
  }

  private TrainingPlan plan(long ofRows, long ofFeatures) {
    boolean isAutomatic = optimizer == null && solver == null;
    Solver method = isAutomatic ? automatic(ofRows, ofFeatures) : solver;
    Penalty ofMethod = optimizer == null ? penalty : optimizer.penalty();
    long most = epochs > 0 ? epochs : isAutomatic ? AutomaticMethod.MAX_EPOCHS : DEFAULT_EPOCHS;
    return new TrainingPlan(
        new TrainingPlan.Method(method, optimizer == null ? null : optimizer.copy(), ofMethod),
        new RowPlan(batchSize, accumulate, shuffle, seed, validationFraction, dataMemory),
        new LossPlan(loss, weights, offset, classWeights),
        new TrainingPlan.Steps(gram, varianceReduced, automaticRate, rateReduction),
        new Fit(intercept, standardize, certify, !keepsLast, start),
        new Ending(most, patience, lossTolerance, gradientTolerance, maximumTime, stopWhen),
        new TrainingPlan.Saving(checkpoints == null ? null : checkpoints.plan(), resume),
        listeners);
  }

  private Solver automatic(long ofRows, long ofFeatures) {
    AutomaticMethod method = AutomaticMethod.of(loss, penalty, ofRows, ofFeatures);
    if (method.solver() == null) {
      throw PlanException.conflict(
          Option.LOSS, method.reason(), "name an optimizer with a schedule that decays");
    }
    return method.solver();
  }

  /**
   * Trains.
   *
   * @param backend where to compute; stays open
   * @throws IllegalArgumentException if an option does not fit the data, which is a {@link
   *     PlanException} where an option is at fault, or a value is not finite where method or rate
   *     look at all rows; nothing changes, but that the data may have been standardized where no
   *     automatic rate could be found
   * @throws UncheckedIOException if checkpoints cannot be kept where they should, or the training
   *     cannot be resumed, with what differs; nothing has changed, but where a checkpoint changed
   *     while it was read
   * @throws ArithmeticException if a gradient is not finite, and the optimizer was told to throw
   * @throws DivergenceException if a loss becomes infinite, NaN or hopelessly large, or the
   *     schedule gives a rate that is none; with the best model before
   */
  public TrainingResult fit(Dataset data, Backend backend) {
    TrainingPlan plan = plan(data.rows(), data.features().size());
    return TrainingSession.run(plan, RowSource.of(data), backend);
  }

  /**
   * Trains on the rows of a file, which are mapped and not changed; standardization is what the
   * file was written with. Throws as {@link #fit(Dataset, Backend)} does.
   */
  public TrainingResult fit(TrainingFile file, Backend backend) {
    Dataset data = file.dataset();
    TrainingPlan plan = plan(data.rows(), data.features().size());
    plan.requireFits(file);
    return TrainingSession.run(plan, file.source(), backend);
  }
}
