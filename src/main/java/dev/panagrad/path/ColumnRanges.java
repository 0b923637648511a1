package dev.panagrad.path;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import java.util.Arrays;

/** The least and largest value of each column in each fold: sums of constant ones are rounding. */
final class ColumnRanges {
  private final int features;
  private final double[][] low; // [fold][feature, then the target]
  private final double[][] high;

  private ColumnRanges(int folds, int features) {
    this.features = features;
    low = new double[folds][features + 1];
    high = new double[folds][features + 1];
    for (int f = 0; f < folds; f++) {
      Arrays.fill(low[f], Double.POSITIVE_INFINITY);
      Arrays.fill(high[f], Double.NEGATIVE_INFINITY);
    }
  }

  /** Reads all rows once; throws if a value is NaN or infinite. */
  static ColumnRanges of(Dataset data, RowFolds folds) {
    int d = data.features().size();
    ColumnRanges ranges = new ColumnRanges(folds.count(), d);
    for (int f = 0; f < folds.count(); f++) {
      for (long i = folds.first(f); i < folds.first(f) + folds.rows(f); i++) {
        long row = folds.index().getLong(i);
        for (int c = 0; c <= d; c++) {
          double value = c < d ? data.x().get(row, c) : data.y().get(row, 0);
          if (!Double.isFinite(value)) {
            throw new DataException(
                data.firstNotFinite()
                    + "; a path needs finite values: leave out the row or the column");
          }
          ranges.low[f][c] = Math.min(ranges.low[f][c], value);
          ranges.high[f][c] = Math.max(ranges.high[f][c], value);
        }
      }
    }
    return ranges;
  }

  /**
   * True if a column has one value in all folds but one, or in all for -1; without an intercept, if
   * that value is zero.
   */
  boolean isConstant(int column, int without, boolean hasIntercept) {
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (int f = 0; f < low.length; f++) {
      if (f != without) {
        least = Math.min(least, low[f][column]);
        largest = Math.max(largest, high[f][column]);
      }
    }
    return hasIntercept ? least == largest : least == 0 && largest == 0;
  }

  boolean isTargetConstant(int without, boolean hasIntercept) {
    return isConstant(features, without, hasIntercept);
  }

  double target() {
    return low[0][features];
  }
}
