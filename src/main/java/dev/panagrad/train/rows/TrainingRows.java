package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.BitSet;
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
  private final long heldOut;
  private final Tensor weights; // the caller's, or null
  private final long batchSize;
  private final long stepRows;
  private Standardization standardization;
  private boolean isChanged; // set where data of the caller are to be standardized
  private boolean isRaw; // where they are not, as nothing reads them
  private boolean isPlaced;

  TrainingRows(RowPlan plan, RowSource source, long trained, long heldOut, Tensor weights) {
    this.plan = plan;
    this.source = source;
    this.trained = trained;
    this.heldOut = heldOut;
    this.weights = weights;
    standardization =
        source.isFile()
            ? source.units()
            : Standardization.none(source.data().features().size(), source.data().targets().size());
    batchSize = plan.batchSize() == RowPlan.FULL_BATCH ? trained : plan.batchSize();
    stepRows =
        plan.batchesPerStep() > trained / batchSize ? trained : batchSize * plan.batchesPerStep();
  }

  /**
   * The rows of a source, which are not placed yet; without those whose weight is 0, which are
   * neither trained on nor held out. Weights [n] are the caller's, or null.
   */
  public static TrainingRows of(RowPlan plan, RowSource source, Tensor weights, TensorArena arena) {
    return plan.memory() > 0
        ? new BlockRows(plan, source, BlockRows.order(plan, source, arena))
        : new InMemoryRows(
            plan, source, weights, RowOrder.used(source.data().rows(), weights), arena);
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
    return heldOut;
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

  /** Weighted means and deviations of the training rows; without means if not shifted. */
  public abstract Standardization moments(Backend host, boolean isShifted, Tensor weights);

  /**
   * Standardizes data of the caller, and brings rows to where the backend reads them; data that
   * nothing is going to read stay as they are.
   */
  public final void place(Backend backend, TensorArena arena, TrainingLoss loss, boolean isRead) {
    isRaw = isChanged && !isRead;
    if (isChanged && isRead) {
      standardization.applyInPlace(backend, data().x(), data().y());
    }
    DenseRows rows = new DenseRows(data().x(), data().y(), loss.weights(), loss.offset());
    place(backend, arena, backend.placeRows(arena, rows));
    isPlaced = true;
  }

  public final boolean arePlaced() {
    return isPlaced;
  }

  abstract void place(Backend backend, TensorArena arena, DenseRows placed);

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

  /**
   * The largest squared length of a training row's features, and of the intercept's 1 if there is
   * one, times its weight: one pass. Weights by row number, or null.
   */
  public final double largestSquaredLength(boolean hasIntercept, Tensor ofRows) {
    Tensor x = data().x();
    double[] largest = new double[1];
    visitTrained(
        row -> {
          double squares = hasIntercept ? 1 : 0;
          for (long f = 0; f < x.cols(); f++) {
            double value = x.get(row, f);
            squares += value * value;
          }
          largest[0] = Math.max(largest[0], ofRows == null ? squares : ofRows.get(row) * squares);
        });
    return largest[0];
  }

  /**
   * The rows in host memory as they are now, of which the training rows are the first positions;
   * throws where they are beyond memory.
   */
  public abstract Batch hostBatch(TrainingLoss loss);

  /** True if the rows are in standardized units once they are placed. */
  public final boolean isStandardized() {
    return isChanged || (source.isFile() && standardization.isShifted());
  }

  /** Whether data of the caller are to be standardized when they are placed. */
  public final boolean isChanged() {
    return isChanged;
  }

  public abstract NormalEquations normalEquations(
      Backend host, TensorArena arena, boolean intercept);

  public final void visitTrained(LongConsumer visitor) {
    visit(false, visitor);
  }

  /** Visits the numbers of the training rows, or of those held out. */
  public abstract void visit(boolean isHeldOut, LongConsumer visitor);

  /** The first value of a row of weight that is not finite, in words; null if all values are. */
  public final String firstNotFinite() {
    return data().firstNotFinite(weights);
  }

  abstract String order();

  /**
   * The loss of a model of zeros, squared deviations of each target from its mean, and which of the
   * targets vary.
   */
  public record TargetSums(double meanSquare, List<Double> squaredDeviations, BitSet varying) {}

  /** One pass over the targets (West 1979), with weights by row number, or null. */
  public final TargetSums targetSums(Tensor ofRows) {
    int outputs = data().targets().size();
    double[] mean = new double[outputs];
    double[] deviations = new double[outputs];
    double[] square = new double[1];
    double[] total = new double[1];
    BitSet varying = new BitSet();
    visitTrained(
        row -> {
          double weight = ofRows == null ? 1 : ofRows.get(row);
          if (weight == 0) {
            return;
          }
          boolean isFirst = total[0] == 0;
          total[0] += weight;
          double divisor = total[0] / weight;
          double squares = 0;
          for (int j = 0; j < outputs; j++) {
            double given = data().y().get(row, j);
            double value = isRaw ? standardization.standardizedTarget(given, j) : given;
            double before = value - mean[j];
            if (before != 0 && !isFirst) {
              varying.set(j);
            }
            mean[j] += before / divisor;
            deviations[j] += weight * before * (value - mean[j]);
            squares += value * value;
          }
          square[0] += (squares - square[0]) / divisor;
        });
    return new TargetSums(
        square[0], IntStream.range(0, outputs).mapToObj(j -> deviations[j]).toList(), varying);
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
