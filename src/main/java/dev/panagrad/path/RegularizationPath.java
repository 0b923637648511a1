package dev.panagrad.path;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.TensorArena;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Fits least squares with an L1 penalty, an L2 penalty, or both, for strengths from one that allows
 * nothing to a small one, and finds which strength predicts best, by k-fold cross-validation.
 *
 * <p>The objective is that of {@link dev.panagrad.penalty.Penalty}: {@code (1/n) |Xw + b - y|^2 +
 * l1 |w|_1 + l2 |w|^2}, for features divided by their standard deviations and the target as it is;
 * the intercept is free. It is what a {@code Trainer} that standardizes minimizes for the same l1
 * and l2. Without an intercept nothing is centered, and features are divided by their root mean
 * squares.
 *
 * <p><b>Values.</b> Spaced evenly in their logarithm, from the largest down to ratio times that.
 * For L1 the largest is {@code 2 max|c|}, c the means of products of standardized features with the
 * target: the smallest for which all coefficients are zero; for an elastic net that over the share.
 * For L2 no value makes them zero; the largest is {@value #LARGEST_RIDGE} times the largest
 * eigenvalue of the features' correlations, which leaves less than 1% of every direction.
 *
 * <p><b>What cross-validation leaves out.</b> A fold's rows take no part in the models that they
 * judge, with one exception: features are divided by standard deviations of all rows, once, as when
 * data are standardized before scikit-learn's LassoCV, so that a value means the same in every
 * fold. What leaks is how strongly the penalty weighs on one feature against another, to the extent
 * that a k-th of the rows changes standard deviations.
 *
 * <p>L1 and elastic net by {@link dev.panagrad.solver.CoordinateDescent}, L2 by {@link
 * dev.panagrad.solver.ShiftedSystem}, both to rounding where columns are not nearly collinear.
 * Errors are computed from sums: to about 1e-16 of the target's variance. {@link NormalEquations}
 * says what forming products of columns costs.
 *
 * <p>Cost: rows are read {@value #PASSES} times, n d^2 multiply-adds, and k + 1 times that where
 * cells are {@link #filled}; then k^2 d^2 for k folds, and the solver's work for each value k + 1
 * times. Memory: {@code 8 d^2 (k + 3)} bytes of heap, with filled cells (2 k + 3). Bits depend on
 * the backend and not on its threads. Threading: one thread at a time.
 */
public final class RegularizationPath {
  public static final int DEFAULT_VALUES = 100;
  public static final int DEFAULT_FOLDS = 5;

  static final double LARGEST_RIDGE = 100;
  private static final int PASSES = 3;
  private static final int MAX_VALUES = 1000;
  private static final int MAX_FOLDS = 100;
  private static final double LEAST_RATIO = 1e-10;
  private static final double LEAST_SQUARE = 1e-290; // and 1 / it: beyond, F64 loses digits
  private final PathPenalty kind;
  private double share;
  private int count = DEFAULT_VALUES;
  private Double ratio;
  private double[] given;
  private int folds = DEFAULT_FOLDS;
  private Long seed = 0L;
  private boolean hasIntercept = true;
  private boolean isWarm = true;
  private FilledCells filled = new FilledCells(Map.of(), false);

  private RegularizationPath(PathPenalty kind) {
    this.kind = kind;
    this.share = kind == PathPenalty.ELASTIC ? 0.5 : 1;
  }

  /** Makes a path of that penalty. */
  public static RegularizationPath of(PathPenalty kind) {
    return new RegularizationPath(kind);
  }

  /** Sets the share of L1 in an elastic net, in (0, 1]; default 0.5. */
  public RegularizationPath share(double share) {
    if (kind != PathPenalty.ELASTIC) {
      throw new IllegalArgumentException(
          "a share is for an elastic net, found a path of " + kind.name().toLowerCase(Locale.ROOT));
    }
    this.share = Checks.positiveFraction("share", share);
    return this;
  }

  /** Sets how many values, from 2 to 1,000; default {@value #DEFAULT_VALUES}. */
  public RegularizationPath values(int count) {
    this.count = Checks.size("values", count, 2, MAX_VALUES);
    return this;
  }

  /**
   * Sets the smallest value as a part of the largest, in [1e-10, 1); default 1e-3 for L1 and
   * elastic net, 1e-6 for L2.
   */
  public RegularizationPath ratio(double ratio) {
    if (!(ratio >= LEAST_RATIO && ratio < 1)) {
      throw new IllegalArgumentException("ratio must be in [1e-10, 1), found " + ratio);
    }
    this.ratio = ratio;
    return this;
  }

  /** Takes these values instead: 2 to 1,000, above 0 and decreasing. */
  public RegularizationPath at(double... values) {
    Checks.size("values", values.length, 2, MAX_VALUES);
    for (int i = 0; i < values.length; i++) {
      Checks.positive("value " + (i + 1), values[i]);
      if (i > 0 && values[i] >= values[i - 1]) {
        throw new IllegalArgumentException(
            "values must decrease, found %s after %s".formatted(values[i], values[i - 1]));
      }
    }
    given = values.clone();
    return this;
  }

  /** Sets how many folds, from 2 to 100, of at least 2 rows; default {@value #DEFAULT_FOLDS}. */
  public RegularizationPath folds(int folds) {
    this.folds = Checks.size("folds", folds, 2, MAX_FOLDS);
    return this;
  }

  /** Sets the seed of the shuffle that deals rows to folds; default 0. */
  public RegularizationPath seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Puts row i, from 0, into fold i mod k instead. */
  public RegularizationPath inOrder() {
    this.seed = null;
    return this;
  }

  /** Fits models through the origin. */
  public RegularizationPath withoutIntercept() {
    this.hasIntercept = false;
    return this;
  }

  /**
   * Marks cells without a value, as {@link EncodedTable#filledCells} finds them, which hold their
   * column's mean or median: in the models that a fold judges, that of the other folds stands for
   * them. Data are as they were when a path has been fitted.
   *
   * @param rows of each feature with such cells
   * @param isMedian whether it is the median, and not the mean
   */
  public RegularizationPath filled(Map<Integer, BitSet> rows, boolean isMedian) {
    for (BitSet cells : rows.values()) {
      Checks.count("cells without a value", cells.cardinality());
    }
    filled = new FilledCells(Map.copyOf(rows), isMedian);
    return this;
  }

  /** Starts every value from zero: what warm starts are compared with. */
  RegularizationPath cold() {
    this.isWarm = false;
    return this;
  }

  /**
   * Computes the path for data of one target, on a backend that computes in host memory.
   *
   * @throws DataException if a value is not finite, the target is constant, no feature has to do
   *     with it, or there are fewer than 2 rows per fold
   * @throws IllegalArgumentException if data or backend are others, or there are more than {@link
   *     NormalEquations#MAX_FEATURES} features, more than the heap holds, values whose squares F64
   *     does not hold, or an L2 penalty that rounding hides
   */
  public PathResult fit(Dataset data, Backend backend) {
    requireAccepted(data, backend);
    Map<Integer, Double> held = filled.held(data);
    try (TensorArena arena = TensorArena.open("folds")) {
      RowFolds rows = RowFolds.of(arena, data.rows(), folds, seed);
      Parts all = parts(data, backend, rows);
      if (all.ranges.isTargetConstant(-1, hasIntercept)) {
        throw new DataException(
            "target '%s' is %s in all rows: there is nothing to explain; choose another column"
                .formatted(data.targets().getFirst(), all.ranges.target()));
      }
      IntFunction<Parts> without =
          fold -> {
            filled.set(data, filled.without(fold, data, rows));
            return parts(data, backend, rows);
          };
      return fit(data, all, filled.rows().isEmpty() ? _ -> all : without);
    } finally {
      filled.set(data, held);
    }
  }

  /** The sums of each fold's rows. */
  @SuppressWarnings("ArrayRecordComponent") // not compared
  private record Parts(CenteredSums[] sums, ColumnRanges ranges) {}

  private Parts parts(Dataset data, Backend backend, RowFolds rows) {
    ColumnRanges ranges = ColumnRanges.of(data, rows);
    CenteredSums[] sums = new CenteredSums[folds];
    for (int f = 0; f < folds; f++) {
      sums[f] = sums(data, backend, rows, f);
    }
    return new Parts(sums, ranges);
  }

  private CenteredSums sums(Dataset data, Backend backend, RowFolds rows, int fold) {
    try (TensorArena arena = TensorArena.open("products of a fold")) {
      NormalEquations equations =
          NormalEquations.of(
              backend,
              arena,
              new Batch(new DenseRows(data.x(), data.y()), rows.index()),
              rows.first(fold),
              rows.rows(fold),
              hasIntercept);
      return new CenteredSums(equations.sums(), rows.rows(fold));
    }
  }

  private void requireAccepted(Dataset data, Backend backend) {
    if (data.targets().size() != 1) {
      throw new IllegalArgumentException(
          "a path is of one target, found %d: compute one for each"
              .formatted(data.targets().size()));
    }
    NormalEquations.requireAccepted(backend, data.features().size(), 1);
    if (data.rows() < 2L * folds) {
      throw new DataException(
          "%,d rows are too few for %d folds: each needs at least 2; %s"
              .formatted(
                  data.rows(),
                  folds,
                  data.rows() < 4
                      ? "give 4 rows or more"
                      : "the largest number of folds is %,d".formatted(data.rows() / 2)));
    }
    long d = data.features().size();
    long bytes = Double.BYTES * d * d * (filled.rows().isEmpty() ? folds + 3 : 2 * folds + 3);
    long heap = Runtime.getRuntime().maxMemory();
    if (bytes > heap) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a path of %,d features with %d folds takes %.3g GB of heap, which is limited to %.3g GB; take fewer folds or features, or start java with -Xmx",
              d,
              folds,
              bytes / 1e9,
              heap / 1e9));
    }
  }

  private PathResult fit(Dataset data, Parts parts, IntFunction<Parts> without) {
    CenteredSums all = merged(parts, -1);
    double[] scale = scales(all, parts.ranges, data);
    all.standardize(scale);
    double[] values = given == null ? spaced(all, data) : given;
    PathModels models = PathModels.of(all, scale, kind, share, values, isWarm);
    double[][] foldMse = new double[values.length][folds];
    double[] trainingMse = new double[values.length];
    double multiplyAdds = models.multiplyAdds;
    int unconverged = models.unconverged;
    for (int f = 0; f < folds; f++) {
      CenteredSums own = parts.sums[f];
      double part = own.rows / data.rows();
      Parts refilled = without.apply(f);
      CenteredSums judge = refilled.sums[f];
      CenteredSums others = merged(refilled, f);
      others.standardize(scale);
      PathModels left = PathModels.of(others, scale, kind, share, values, isWarm);
      for (int i = 0; i < values.length; i++) {
        trainingMse[i] += part * own.meanSquaredError(models.coefficients[i], models.intercepts[i]);
        foldMse[i][f] = judge.meanSquaredError(left.coefficients[i], left.intercepts[i]);
      }
      multiplyAdds += left.multiplyAdds;
      unconverged += left.unconverged;
    }
    return result(
        data, parts.ranges, values, models, trainingMse, foldMse, multiplyAdds, unconverged);
  }

  private CenteredSums merged(Parts parts, int without) {
    int d = parts.sums[0].mean.length;
    CenteredSums sums = new CenteredSums(d);
    for (int f = 0; f < folds; f++) {
      if (f != without) {
        sums.merge(parts.sums[f]);
      }
    }
    for (int c = 0; c < d; c++) {
      if (parts.ranges.isConstant(c, without, hasIntercept)) {
        sums.clear(c);
      }
    }
    if (parts.ranges.isTargetConstant(without, hasIntercept)) {
      sums.clearTarget();
    }
    return sums;
  }

  private double[] scales(CenteredSums all, ColumnRanges ranges, Dataset data) {
    double[] scale = new double[all.mean.length];
    for (int c = 0; c < scale.length; c++) {
      double square = all.g[c][c] / all.rows;
      boolean isConstant = ranges.isConstant(c, -1, hasIntercept);
      if (!isConstant) {
        requireSquare("column", data.features().get(c), square);
      }
      scale[c] = isConstant ? 1 : Math.sqrt(square);
    }
    requireSquare("target", data.targets().getFirst(), all.q / all.rows);
    return scale;
  }

  private static void requireSquare(String what, String name, double square) {
    if (!(square >= LEAST_SQUARE && square <= 1 / LEAST_SQUARE)) {
      throw new IllegalArgumentException(
          "%s '%s' has a mean square of %s, where a path needs [1e-290, 1e290]: change its unit"
              .formatted(what, name, square));
    }
  }

  private double[] spaced(CenteredSums all, Dataset data) {
    double largest = PathModels.largestValue(all, kind, share);
    if (!(largest > 0 && largest < Double.POSITIVE_INFINITY)) {
      throw new DataException(
          "no feature varies with target '%s': the largest value of a path would be %s"
              .formatted(data.targets().getFirst(), largest));
    }
    double smallest = largest * (ratio != null ? ratio : kind == PathPenalty.L2 ? 1e-6 : 1e-3);
    return IntStream.range(0, count)
        .mapToDouble(i -> largest * Math.pow(smallest / largest, (double) i / (count - 1)))
        .toArray();
  }

  private PathResult result(
      Dataset data,
      ColumnRanges ranges,
      double[] values,
      PathModels models,
      double[] trainingMse,
      double[][] foldMse,
      double multiplyAdds,
      int unconverged) {
    double[] mean = new double[values.length];
    double[] error = new double[values.length];
    int chosen = 0;
    for (int i = 0; i < values.length; i++) {
      for (double mse : foldMse[i]) {
        mean[i] += mse / folds;
      }
      double squares = 0;
      for (double mse : foldMse[i]) {
        squares += (mse - mean[i]) * (mse - mean[i]);
      }
      error[i] = Math.sqrt(squares / (folds - 1) / folds);
      chosen = mean[i] < mean[chosen] ? i : chosen;
    }
    int simplest = 0;
    while (mean[simplest] > mean[chosen] + error[chosen]) {
      simplest++;
    }
    List<String> constant =
        IntStream.range(0, data.features().size())
            .filter(c -> ranges.isConstant(c, -1, hasIntercept))
            .mapToObj(data.features()::get)
            .toList();
    return new PathResult(
        data.features(),
        data.targets().getFirst(),
        kind,
        share,
        values.clone(),
        models.coefficients,
        models.intercepts,
        trainingMse,
        foldMse,
        mean,
        error,
        chosen,
        simplest,
        constant,
        PASSES * (filled.rows().isEmpty() ? 1 : folds + 1),
        multiplyAdds,
        unconverged);
  }
}
