package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * Weighted sums over some rows, by column: of values less a shift, of the squares of that, and the
 * range. Made first of each cell of a strip over all strips, in loops that become vectors, and then
 * of the cells of a column.
 */
@SuppressWarnings("ArrayRecordComponent") // added up, not compared
record ColumnSums(double weight, double[] first, double[] second, double[] low, double[] high) {
  /** The range, and the sums that a mean is made of. */
  static ColumnSums ofRanges(
      Tensor t, RelativeWeights weights, long from, long end, double[] ofColumns) {
    RowStrip strip = new RowStrip(t);
    double[] values = strip.values;
    double[] shift = strip.perCell(ofColumns);
    double[] weight = new double[values.length];
    double[] sums = new double[values.length];
    double[] lows = new double[values.length];
    double[] highs = new double[values.length];
    Arrays.fill(lows, Double.POSITIVE_INFINITY);
    Arrays.fill(highs, Double.NEGATIVE_INFINITY);
    for (long done = from; done < end; done += strip.rows()) {
      int cells = strip.load(weights, done, end, weight);
      for (int i = 0; i < cells; i++) {
        sums[i] += weight[i] * (values[i] - shift[i]);
      }
      for (int i = 0; i < cells; i++) {
        lows[i] = Math.min(lows[i], values[i]);
      }
      for (int i = 0; i < cells; i++) {
        highs[i] = Math.max(highs[i], values[i]);
      }
    }
    return new ColumnSums(weights.sum(from, end - from), sums, new double[sums.length], lows, highs)
        .ofColumns(ofColumns.length);
  }

  /** The sums and those of squares, without a range. */
  static ColumnSums ofSquares(
      Tensor t, RelativeWeights weights, long from, long end, double[] ofColumns) {
    RowStrip strip = new RowStrip(t);
    double[] values = strip.values;
    double[] shift = strip.perCell(ofColumns);
    double[] weight = new double[values.length];
    double[] sums = new double[values.length];
    double[] squares = new double[values.length];
    for (long done = from; done < end; done += strip.rows()) {
      int cells = strip.load(weights, done, end, weight);
      for (int i = 0; i < cells; i++) {
        double centered = values[i] - shift[i];
        sums[i] += weight[i] * centered;
        squares[i] += weight[i] * centered * centered;
      }
    }
    double[] none = new double[sums.length];
    return new ColumnSums(0, sums, squares, none, none).ofColumns(ofColumns.length);
  }

  private ColumnSums ofColumns(int columns) {
    ColumnSums sums = new ColumnSums(weight, columns);
    for (int cell = 0; cell < first.length; cell += columns) {
      sums.add(this, cell);
    }
    return sums;
  }

  private ColumnSums(double weight, int columns) {
    this(
        weight, new double[columns], new double[columns], new double[columns], new double[columns]);
    Arrays.fill(low, Double.POSITIVE_INFINITY);
    Arrays.fill(high, Double.NEGATIVE_INFINITY);
  }

  private void add(ColumnSums other, int from) {
    for (int c = 0; c < first.length; c++) {
      first[c] += other.first[from + c];
      second[c] += other.second[from + c];
      low[c] = Math.min(low[c], other.low[from + c]);
      high[c] = Math.max(high[c], other.high[from + c]);
    }
  }

  /** Adds parts up, in their order. */
  static ColumnSums together(List<ColumnSums> parts) {
    double weight = 0;
    for (ColumnSums part : parts) {
      weight += part.weight;
    }
    ColumnSums all = new ColumnSums(weight, parts.getFirst().first.length);
    parts.forEach(part -> all.add(part, 0));
    return all;
  }
}
