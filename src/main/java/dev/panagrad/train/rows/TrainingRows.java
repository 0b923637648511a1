package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.data.Dataset;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.RowFactor;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * The rows of one training: which are trained on and which are held out, in which order they are
 * visited, and where they lie. A position is a place in that order; training rows come first.
 */
public abstract class TrainingRows {
  private final RowSource source;
  private final RowPlan plan;
  private final long trained;
  private final long batchSize;
  private final long stepRows;
  private Standardization standardization;
  private boolean isChanged; // set where data of the caller are to be standardized
  private boolean isPlaced;

  TrainingRows(RowPlan plan, RowSource source, long trained) {
    this.plan = plan;
    this.source = source;
    this.trained = trained;
    standardization =
        source.isFile()
            ? source.units()
            : Standardization.none(source.data().features().size(), source.data().targets().size());
    batchSize = plan.batchSize() == RowPlan.FULL_BATCH ? trained : plan.batchSize();
    stepRows =
        plan.batchesPerStep() > trained / batchSize ? trained : batchSize * plan.batchesPerStep();
  }

  /** The rows of a source, which are not placed yet. */
  public static TrainingRows of(RowPlan plan, RowSource source, TensorArena arena) {
    return plan.memory() > 0
        ? new BlockRows(plan, source, BlockRows.order(plan, source, arena))
        : new InMemoryRows(plan, source, arena);
  }

  public final RowPlan plan() {
    return plan;
  }

  public final Dataset data() {
    return source.data();
  }

  public final long trained() {
    return trained;
  }

  public final long heldOut() {
    return data().rows() - trained;
  }

  /** Rows per batch; the last one of an epoch may have fewer. */
  public final long batchSize() {
    return batchSize;
  }

  /** Rows per step, of one batch or several; the last step of an epoch may have fewer. */
  public final long stepRows() {
    return stepRows;
  }

  /** What was or will be done to the data, to be undone in the model. */
  public final Standardization standardization() {
    return standardization;
  }

  /** Chooses how data of the caller are standardized, which happens when they are placed. */
  public final void standardize(Standardization units) {
    standardization = units;
    isChanged = true;
  }

  /** Means and deviations of the training rows; without means if not shifted. */
  public abstract Standardization moments(boolean isShifted);

  /** Standardizes data of the caller, and brings rows to where the backend reads them. */
  public final void place(Backend backend, TensorArena arena, TrainingLoss loss) {
    if (isChanged) {
      standardization.applyInPlace(data().x(), data().y());
    }
    DenseRows rows = new DenseRows(data().x(), data().y(), loss.weights(), loss.offset());
    place(backend, arena, backend.placeRows(arena, rows));
    isPlaced = true;
  }

  public final boolean arePlaced() {
    return isPlaced;
  }

  abstract void place(Backend backend, TensorArena arena, DenseRows placed);

  /** Leaves weights and offsets out of what is computed, or takes them in again. */
  public void ignoreWeights(boolean isIgnored) {}

  /** Puts the training rows into the order of an epoch, from 0: a function of seed and epoch. */
  public abstract void begin(long epoch);

  /** How many positions from one on {@link #computeGradient} takes at once, at least 1. */
  public abstract long contiguousFrom(long first, long count);

  /** Computes gradient and losses at these positions, in increasing order within an epoch. */
  public abstract void computeGradient(
      LinearRegression regression, long first, long count, Gradient into);

  /**
   * The mean loss of each output on the training rows or on those held out, in any order; their
   * gradient is then the regression's, unless the parts to sum it with are null.
   */
  public abstract double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts);

  /** The largest squared length of a training row's features: one pass. */
  public final double largestSquaredLength() {
    Tensor x = data().x();
    double[] largest = new double[1];
    visitTrained(
        row -> {
          double squares = 0;
          for (long f = 0; f < x.cols(); f++) {
            double value = x.get(row, f);
            squares += value * value;
          }
          largest[0] = Math.max(largest[0], squares);
        });
    return largest[0];
  }

  /** The exact solution on the training rows as they are now. */
  public abstract ExactSolution exactSolution(
      Backend backend, TrainingLoss loss, boolean hasIntercept, ExactSolution.Ridge ridge);

  /** The factor of the training rows as they are now. */
  public abstract RowFactor factor(Backend backend, TrainingLoss loss, boolean hasIntercept);

  /** Whether the rows are in standardized units once they are placed. */
  public final boolean isStandardized() {
    return isChanged || (source.isFile() && standardization.isShifted());
  }

  /** Whether data of the caller are to be standardized when they are placed. */
  public final boolean isChanged() {
    return isChanged;
  }

  public abstract NormalEquations normalEquations(
      Backend host, TensorArena arena, boolean intercept);

  public abstract void visitTrained(LongConsumer visitor);

  abstract String order();

  /** The loss of a model of zeros, and squared deviations of each target from its mean. */
  public record TargetSums(double meanSquare, List<Double> squaredDeviations) {}

  /** One pass over the targets (Welford 1962). */
  public final TargetSums targetSums() {
    int outputs = data().targets().size();
    double[] mean = new double[outputs];
    double[] deviations = new double[outputs];
    double[] square = new double[1];
    long[] seen = new long[1];
    visitTrained(
        row -> {
          seen[0]++;
          double squares = 0;
          for (int j = 0; j < outputs; j++) {
            double value = data().y().get(row, j);
            double before = value - mean[j];
            mean[j] += before / seen[0];
            deviations[j] += before * (value - mean[j]);
            squares += value * value;
          }
          square[0] += (squares - square[0]) / seen[0];
        });
    return new TargetSums(
        square[0], IntStream.range(0, outputs).mapToObj(j -> deviations[j]).toList());
  }

  public final List<String> constantFeatures() {
    return IntStream.range(0, data().features().size())
        .filter(standardization::isConstant)
        .mapToObj(data().features()::get)
        .toList();
  }

  /** What must be the same of rows for a training to go on; asked for before they are placed. */
  public final Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("training.rows", Long.toString(trained));
    identity.put("training.rows held out", Long.toString(heldOut()));
    identity.put("training.batch size", Long.toString(batchSize));
    identity.put("training.order", order());
    identity.put("training.standardization", standardization.fingerprint());
    identity.put("training.features", Fingerprint.of(data().features()));
    identity.put("training.targets", Fingerprint.of(data().targets()));
    identity.put(
        "training.values",
        source.isFile()
            ? source.fingerprint()
            : "%s, %s".formatted(Fingerprint.of(data().x()), Fingerprint.of(data().y())));
    return identity;
  }
}
