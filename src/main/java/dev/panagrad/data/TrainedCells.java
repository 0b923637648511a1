package dev.panagrad.data;

import dev.panagrad.encoding.CategoryColumn;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Means, medians and levels of the cells of rows that are trained on: one pass over a table. */
final class TrainedCells implements Table.Values {
  private final Table table;
  private final int[] columns;
  private final boolean[] isCategory;
  private final BitSet trained;
  private final double[] means;
  private final long[] counts;
  private final long[] missing;
  private final double[][] values; // of columns of numbers; null unless medians are wanted
  private final List<TreeSet<String>> levels;

  private TrainedCells(
      Table table, int[] columns, boolean[] isCategory, BitSet trained, boolean wantsMedians) {
    this.table = table;
    this.columns = columns;
    this.trained = trained;
    means = new double[columns.length];
    counts = new long[columns.length];
    missing = new long[columns.length];
    values = wantsMedians ? new double[columns.length][] : null;
    levels = IntStream.range(0, columns.length).mapToObj(c -> new TreeSet<String>()).toList();
    this.isCategory = isCategory;
    for (int c = 0; wantsMedians && c < columns.length; c++) {
      values[c] = new double[isCategory[c] ? 0 : trained.cardinality()];
    }
  }

  static TrainedCells of(
      Table table, int[] columns, boolean[] isCategory, BitSet trained, boolean wantsMedians) {
    TrainedCells cells = new TrainedCells(table, columns, isCategory, trained, wantsMedians);
    table.read(columns, cells);
    return cells;
  }

  @Override
  public void number(long row, int selected, double value) {
    if (Double.isNaN(value)) {
      missing(row, selected);
    } else if (isCategory[selected]) {
      text(row, selected, CategoryColumn.text(value));
    } else if (trained.get((int) row)) {
      if (Double.isInfinite(value)) {
        throw table.wrong(
            row,
            columns[selected],
            Double.toString(value),
            "is not finite; remove the row or impute it");
      }
      int n = (int) counts[selected]++;
      // The difference of two finite numbers may be infinite, their halves' is not.
      means[selected] += 2 * ((value / 2 - means[selected] / 2) / (n + 1));
      if (values != null) {
        values[selected][n] = value;
      }
    }
  }

  @Override
  public void text(long row, int selected, String text) {
    if (trained.get((int) row)) {
      levels.get(selected).add(text);
    }
  }

  @Override
  public void missing(long row, int selected) {
    if (trained.get((int) row)) {
      missing[selected]++;
    }
  }

  long missing() {
    return Arrays.stream(missing).sum();
  }

  long missing(int selected) {
    return missing[selected];
  }

  List<String> levels(int selected) {
    return List.copyOf(levels.get(selected));
  }

  /** The mean or the median of a column; throws if none of its cells has a value. */
  double fill(int selected) {
    int n = (int) counts[selected];
    if (n == 0) {
      throw new DataException(
          "%s: column '%s' has no value in the rows that are trained on"
              .formatted(table.name(), table.columns().get(columns[selected])));
    }
    if (values == null) {
      return means[selected];
    }
    double[] sorted = Arrays.copyOf(values[selected], n);
    Arrays.sort(sorted);
    return n % 2 == 1 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
  }
}
