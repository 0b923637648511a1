package dev.panagrad.path;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Cells that have no value, for which the mean or the median of their column stands.
 *
 * @param rows of each feature that has such cells
 */
record FilledCells(Map<Integer, BitSet> rows, boolean isMedian) {
  /** What these cells hold, one number for each feature. */
  Map<Integer, Double> held(Dataset data) {
    Map<Integer, Double> held = new HashMap<>();
    rows.forEach((feature, cells) -> held.put(feature, data.x().get(cells.nextSetBit(0), feature)));
    return held;
  }

  void set(Dataset data, Map<Integer, Double> values) {
    rows.forEach(
        (feature, cells) ->
            cells.stream().forEach(row -> data.x().set(row, feature, values.get(feature))));
  }

  /** What stands for them by the rows of all folds but one. */
  Map<Integer, Double> without(int fold, Dataset data, RowFolds folds) {
    Map<Integer, Double> values = new HashMap<>();
    rows.forEach((feature, cells) -> values.put(feature, value(data, folds, fold, feature, cells)));
    return values;
  }

  private double value(Dataset data, RowFolds folds, int without, int feature, BitSet cells) {
    double[] known = new double[isMedian ? (int) data.rows() : 0];
    double mean = 0;
    int n = 0;
    for (int f = 0; f < folds.count(); f++) {
      for (long i = folds.first(f); f != without && i < folds.first(f + 1); i++) {
        int row = (int) folds.index().getLong(i);
        if (!cells.get(row)) {
          double value = data.x().get(row, feature);
          mean += 2 * ((value / 2 - mean / 2) / ++n); // halves, whose difference is finite
          if (isMedian) {
            known[n - 1] = value;
          }
        }
      }
    }
    if (n == 0) {
      throw new DataException(
          "feature '%s' has values in one fold only; leave it out, or shuffle by another seed"
              .formatted(data.features().get(feature)));
    }
    Arrays.sort(known, 0, isMedian ? n : 0);
    return isMedian ? known[(n - 1) / 2] / 2 + known[n / 2] / 2 : mean;
  }
}
