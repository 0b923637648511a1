package dev.panagrad.train.online;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Loss;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.tensor.cell.Cells;

/**
 * Where rows of a caller go before a gradient reads them: one buffer in host memory, written
 * standardized, and its copy where the backend computes, if that is elsewhere.
 *
 * <p>Ownership: memory belongs to the arena. Threading: one thread at a time.
 */
public final class StagedRows {
  private final Backend backend;
  private final Standardization standardization;
  private final Tensor x;
  private final Tensor y;
  private final Tensor placedX;
  private final Tensor placedY;
  private final Tensor weights;
  private final Tensor offset;
  private final Tensor placedWeights;
  private final Tensor placedOffset;
  private final Batch plain;
  private final Batch weighted;
  private final DenseRows onHost;
  private final DenseRows onHostWeighted;
  private final Tensor oneX; // views of the first row, so that staging one row allocates nothing
  private final Tensor oneY;
  private final Tensor placedOneX;
  private final Tensor placedOneY;

  private final double bias; // 1 with an intercept, the feature that it is of
  private final double[] z = {0}; // one prediction at a time
  private final double[] one = {0};
  private final double[] factor = {0};
  private DenseRows source; // on the host
  private double meanWeight = 1;
  private double zeroLoss;
  private double zeroGradient;

  /** Buffers for that many rows, to be standardized if that is not null. */
  public StagedRows(
      Backend backend,
      TensorArena arena,
      DType dtype,
      long rows,
      int features,
      int targets,
      Standardization standardization,
      boolean hasIntercept) {
    this.backend = backend;
    bias = hasIntercept ? 1 : 0;
    this.standardization = standardization;
    x = arena.allocate("staged features", dtype, rows, features);
    y = arena.allocate("staged targets", dtype, rows, targets);
    weights = arena.allocate("staged weights", dtype, rows);
    offset = arena.allocate("staged offsets", dtype, rows);
    placedX = backend.place(arena, x);
    placedY = backend.place(arena, y);
    placedWeights = backend.place(arena, weights);
    placedOffset = backend.place(arena, offset);
    plain = new Batch(placedX, placedY);
    weighted = new Batch(new DenseRows(placedX, placedY, placedWeights, placedOffset));
    onHost = new DenseRows(x, y);
    onHostWeighted = new DenseRows(x, y, weights, offset);
    oneX = x.rows(0, 1);
    oneY = y.rows(0, 1);
    placedOneX = placedX.rows(0, 1);
    placedOneY = placedY.rows(0, 1);
    source = onHost;
  }

  /** The staged rows where the backend computes; those without weights and offsets are plain. */
  public Batch batch(boolean isPlain) {
    return isPlain ? plain : weighted;
  }

  public void requireUsable() {
    x.requireUsable();
  }

  /** Stages one row, and returns the sum of the squares of its targets, as staged. */
  public double stage(double[] row, double[] targets) {
    for (int f = 0; f < row.length; f++) {
      Cells.set(x, f, feature(row[f], f));
    }
    double squares = 0;
    for (int j = 0; j < targets.length; j++) {
      double value = target(targets[j], j);
      Cells.set(y, j, value);
      squares += value * value;
    }
    if (placedX != x) {
      backend.copy(oneX, placedOneX);
      backend.copy(oneY, placedOneY);
    }
    source = onHost;
    meanWeight = 1;
    return squares;
  }

  /** Stages weight and offset of the one row, the offset in raw units. */
  public void stage(double weight, double rowOffset) {
    Cells.set(weights, 0, weight);
    Cells.set(offset, 0, offset(rowOffset));
    placeWeights(1);
    source = onHostWeighted;
    meanWeight = weight;
  }

  private void placeWeights(long rows) {
    if (placedX != x) {
      backend.copy(weights.rows(0, rows), placedWeights.rows(0, rows));
      backend.copy(offset.rows(0, rows), placedOffset.rows(0, rows));
    }
  }

  /** Stages no more rows than fit, and returns the mean of that sum over them. */
  public double stage(DenseRows batch) {
    long rows = batch.x().rows();
    int features = Math.toIntExact(x.cols());
    for (long i = 0; i < rows; i++) {
      for (int f = 0; f < features; f++) {
        Cells.set(
            x, i * features + f, feature(Cells.get(batch.x(), i * batch.x().rowStride() + f), f));
      }
    }
    int targets = Math.toIntExact(y.cols());
    double squares = 0;
    for (long i = 0; i < rows; i++) {
      for (int j = 0; j < targets; j++) {
        double value = target(Cells.get(batch.y(), i * batch.y().rowStride() + j), j);
        Cells.set(y, i * targets + j, value);
        squares += value * value;
      }
    }
    if (placedX != x) {
      backend.copy(x.rows(0, rows), placedX.rows(0, rows));
      backend.copy(y.rows(0, rows), placedY.rows(0, rows));
    }
    if (!batch.isPlain()) {
      for (long i = 0; i < rows; i++) {
        Cells.set(weights, i, batch.weights() == null ? 1 : cell(batch.weights(), i));
        Cells.set(offset, i, batch.offset() == null ? 0 : offset(cell(batch.offset(), i)));
      }
      placeWeights(rows);
    }
    source = batch.isPlain() ? onHost : onHostWeighted;
    meanWeight = meanWeight(batch);
    return squares / rows;
  }

  /** Looks at a batch that is not staged, and returns that mean. */
  public double look(DenseRows batch) {
    source = batch;
    meanWeight = meanWeight(batch);
    double squares = 0;
    Tensor targets = batch.y();
    for (long i = 0; i < targets.rows(); i++) {
      for (long j = 0; j < targets.cols(); j++) {
        double value = Cells.get(targets, i * targets.rowStride() + j);
        squares += value * value;
      }
    }
    return squares / targets.rows();
  }

  private static double cell(Tensor vector, long i) {
    return Cells.get(vector, i * vector.rowStride());
  }

  private static double meanWeight(DenseRows batch) {
    if (batch.weights() == null) {
      return 1;
    }
    double sum = 0;
    for (long i = 0; i < batch.count(); i++) {
      sum += cell(batch.weights(), i);
    }
    return sum / batch.count();
  }

  /** The mean weight of the rows that were taken in last. */
  public double meanWeight() {
    return meanWeight;
  }

  /** Measures what a model of zeros loses on the first rows of those taken in last. */
  public void measureZeros(Loss loss, long rows) {
    zeroLoss = 0;
    zeroGradient = 0;
    for (long i = 0; i < rows; i++) {
      double length = squaredLength(source.x(), i) + bias;
      double weight = source.weights() == null ? 1 : cell(source.weights(), i) / meanWeight;
      for (int j = 0; j < y.cols(); j++) {
        z[0] = source.offset() == null ? 0 : cell(source.offset(), i);
        one[0] = Cells.get(source.y(), i * source.y().rowStride() + j);
        factor[0] = weight;
        double lost = loss.differentiate(z, one, factor, 1);
        // A count's loss at zero is 1 however large it is; its derivative is not.
        zeroLoss += (loss.hasLink() ? Math.max(lost, Math.abs(z[0])) : lost) / rows;
        zeroGradient += z[0] * z[0] * length / rows;
      }
    }
  }

  /**
   * The loss of a model of zeros: the mean over rows, summed over targets, for weights of mean 1.
   */
  public double zeroLoss() {
    return zeroLoss;
  }

  /** The mean over rows of the squared length of its gradient. */
  public double zeroGradient() {
    return zeroGradient;
  }

  /** The mean square length of the first rows of those taken in last, with a 1 for an intercept. */
  public double squaredLength(long rows) {
    double sum = 0;
    for (long i = 0; i < rows; i++) {
      sum += squaredLength(source.x(), i);
    }
    return sum / rows + bias;
  }

  private static double squaredLength(Tensor x, long i) {
    double squares = 0;
    for (long f = 0; f < x.cols(); f++) {
      double value = Cells.get(x, i * x.rowStride() + f);
      squares += value * value;
    }
    return squares;
  }

  /** The number of a target that the loss does not take, in the rows taken in last; else -1. */
  public int unfitTarget(Loss loss, long rows) {
    for (long i = 0; i < rows; i++) {
      for (int j = 0; j < y.cols(); j++) {
        double value = Cells.get(source.y(), i * source.y().rowStride() + j);
        if (loss.targetRequirement(value).isPresent()) {
          return j;
        }
      }
    }
    return -1;
  }

  /** The number of a feature that is not finite, in the rows taken in last; else -1. */
  public int oddFeature(long rows) {
    for (long i = 0; i < rows; i++) {
      for (int f = 0; f < x.cols(); f++) {
        if (!Double.isFinite(Cells.get(source.x(), i * source.x().rowStride() + f))) {
          return f;
        }
      }
    }
    return -1;
  }

  private double offset(double value) {
    return standardization == null ? value : value / standardization.targetScale(0);
  }

  private double feature(double value, int f) {
    return standardization == null ? value : standardization.standardizedFeature(value, f);
  }

  private double target(double value, int j) {
    return standardization == null ? value : standardization.standardizedTarget(value, j);
  }
}
