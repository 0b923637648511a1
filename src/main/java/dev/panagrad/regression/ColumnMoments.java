package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.zip.CRC32C;

/** Means and deviations of the columns of one matrix, in double precision. */
final class ColumnMoments {
  final double[] mean; // zero where means are not to be subtracted
  final double[] rest; // the true mean less mean: what does not fit into a double beside it
  final double[] scale; // deviation, or root mean square without means; 1 where constant
  final boolean[] constant;

  private ColumnMoments(double[] mean, double[] rest, double[] scale, boolean[] constant) {
    this.mean = mean;
    this.rest = rest;
    this.scale = scale;
    this.constant = constant;
  }

  ColumnMoments(int cols) {
    this(new double[cols], new double[cols], new double[cols], new boolean[cols]);
    Arrays.fill(scale, 1);
  }

  ColumnMoments withScale(double common) {
    double[] scales = new double[scale.length];
    Arrays.fill(scales, common);
    return new ColumnMoments(mean, rest, scales, constant);
  }

  static ColumnMoments of(Tensor t, int from, int to) {
    ColumnMoments moments = new ColumnMoments(to - from);
    for (int c = from; c < to; c++) {
      moments.mean[c - from] = t.get(0, c);
      moments.rest[c - from] = t.get(1, c);
      moments.scale[c - from] = t.get(2, c);
      moments.constant[c - from] = t.get(3, c) != 0;
    }
    return moments;
  }

  void writeTo(Tensor t, int from) {
    for (int c = 0; c < mean.length; c++) {
      t.set(0, from + c, mean[c]);
      t.set(1, from + c, rest[c]);
      t.set(2, from + c, scale[c]);
      t.set(3, from + c, constant[c] ? 1 : 0);
    }
  }

  String fingerprint() {
    CRC32C sum = new CRC32C();
    for (double[] values : List.of(mean, rest, scale)) {
      ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES);
      bytes.asDoubleBuffer().put(values);
      sum.update(bytes);
    }
    return mean.length + " columns, CRC-32C " + HexFormat.of().toHexDigits((int) sum.getValue());
  }

  double standardized(double value, int col) {
    return (value - mean[col] - rest[col]) / scale[col];
  }

  double raw(double value, int col) {
    return value * scale[col] + rest[col] + mean[col];
  }

  static ColumnMoments of(String what, double[] mean, double[] scale) {
    if (mean.length != scale.length) {
      throw new IllegalArgumentException(
          "%d means and %d scales of %ss: there must be as many"
              .formatted(mean.length, scale.length, what));
    }
    for (int c = 0; c < mean.length; c++) {
      if (!Double.isFinite(mean[c]) || !(scale[c] > 0 && scale[c] < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "%s %d has mean %s and scale %s: both must be finite, and the scale above 0"
                .formatted(what, c + 1, mean[c], scale[c]));
      }
    }
    int cols = mean.length;
    return new ColumnMoments(mean.clone(), new double[cols], scale.clone(), new boolean[cols]);
  }

  boolean isShifted() {
    return DoubleStream.concat(Arrays.stream(mean), Arrays.stream(rest)).anyMatch(x -> x != 0);
  }

  /**
   * Two passes, the squares around the mean, which does not cancel; what rounding left out of the
   * mean is then known and taken out (Chan, Golub and LeVeque 1983). Over the first rows, or those
   * that the index has first, by their weights; rows of weight 0 have no part in it, whatever they
   * hold.
   *
   * @param weights [n] by row number, or null if all are 1
   */
  static ColumnMoments fit(Tensor t, Tensor index, long count, boolean center, Tensor weights) {
    RowStrip strip = new RowStrip(t);
    RelativeWeights relative = new RelativeWeights(weights, index, 0, count);
    int cols = strip.columns();
    ColumnMoments moments = new ColumnMoments(cols);
    double[] low = new double[cols];
    double[] high = new double[cols];
    Arrays.fill(low, Double.POSITIVE_INFINITY);
    Arrays.fill(high, Double.NEGATIVE_INFINITY);
    double total = moments.addMeans(strip, relative, count, low, high);
    for (int c = 0; c < cols; c++) {
      // A column of one infinity is not constant: nothing is left of it when it is subtracted.
      boolean isOne = low[c] == high[c] && Double.isFinite(low[c]);
      moments.constant[c] = isOne && (center || low[c] == 0);
      if (!center) {
        moments.mean[c] = 0;
      } else if (moments.constant[c]) {
        moments.mean[c] = low[c];
      }
    }
    double[] squares = moments.addSquares(strip, relative, count);
    for (int c = 0; c < cols; c++) {
      moments.rest[c] = center && !moments.constant[c] ? moments.rest[c] / total : 0;
      if (!moments.constant[c]) {
        double rest = moments.rest[c];
        double deviation = Math.sqrt(Math.max(squares[c] / total - rest * rest, 0));
        boolean isFinite = Double.isFinite(low[c]) && Double.isFinite(high[c]);
        if (deviation == Double.POSITIVE_INFINITY || (isFinite && Double.isNaN(deviation))) {
          throw unusable(t, relative, count, c);
        }
        // The squares of a column that varies by less than 1e-162 are zero.
        moments.scale[c] = deviation == 0 ? high[c] - low[c] : deviation;
      }
    }
    return moments;
  }

  /**
   * Means and ranges, first of each cell of a strip over all strips, and then of the cells of a
   * column; returns the sum of the weights (West 1979).
   */
  private double addMeans(
      RowStrip strip, RelativeWeights weights, long count, double[] low, double[] high) {
    double[] values = strip.values;
    double[] weight = strip.perCell(new double[mean.length]);
    double[] total = weight.clone();
    double[] means = weight.clone();
    double[] lows = strip.perCell(low);
    double[] highs = strip.perCell(high);
    for (long done = 0; done < count; done += strip.rows()) {
      int cells = strip.load(weights, done, count, weight);
      for (int i = 0; i < cells; i++) {
        total[i] += weight[i];
      }
      for (int i = 0; i < cells; i++) {
        means[i] += (values[i] - means[i]) * (weight[i] / total[i]);
      }
      for (int i = 0; i < cells; i++) {
        lows[i] = Math.min(lows[i], values[i]);
      }
      for (int i = 0; i < cells; i++) {
        highs[i] = Math.max(highs[i], values[i]);
      }
    }
    double sum = 0;
    for (int i = 0; i < values.length; i += mean.length) {
      sum += total[i];
      for (int c = 0; total[i] > 0 && c < mean.length; c++) {
        mean[c] += (means[i + c] - mean[c]) * (total[i] / sum);
        low[c] = Math.min(low[c], lows[i + c]);
        high[c] = Math.max(high[c], highs[i + c]);
      }
    }
    return sum;
  }

  private double[] addSquares(RowStrip strip, RelativeWeights weights, long count) {
    double[] values = strip.values;
    double[] means = strip.perCell(mean);
    double[] weight = means.clone();
    double[] rests = new double[values.length];
    double[] sums = new double[values.length];
    for (long done = 0; done < count; done += strip.rows()) {
      int cells = strip.load(weights, done, count, weight);
      for (int i = 0; i < cells; i++) {
        double centered = values[i] - means[i];
        rests[i] += weight[i] * centered;
        sums[i] += weight[i] * centered * centered;
      }
    }
    double[] squares = new double[mean.length];
    for (int i = 0; i < values.length; i++) {
      rest[i % squares.length] += rests[i];
      squares[i % squares.length] += sums[i];
    }
    return squares;
  }

  boolean isFinite() {
    return Arrays.stream(scale).allMatch(Double::isFinite);
  }

  /** Throws where a value of weight was not finite, or so large that the moments are not. */
  void requireFinite(Tensor t, Tensor index, long count, Tensor weights) {
    RelativeWeights relative = new RelativeWeights(weights, index, 0, count);
    for (int c = 0; c < mean.length; c++) {
      if (!Double.isFinite(mean[c] + rest[c] + scale[c])) {
        throw unusable(t, relative, count, c);
      }
    }
  }

  private static ColumnException unusable(Tensor t, RelativeWeights weights, long count, int c) {
    long worst = -1;
    double value = 0;
    for (long i = 0; i < count && Double.isFinite(value); i++) {
      long row = weights.row(i);
      if (weights.of(row) > 0 && (worst < 0 || !(Math.abs(t.get(row, c)) <= Math.abs(value)))) {
        worst = row;
        value = t.get(row, c);
      }
    }
    String problem =
        Double.isFinite(value)
            ? "too large to standardize: squares are beyond F64; give the column another unit"
            : "which no sum over rows survives; leave out the row, or fill in a number";
    return new ColumnException(t, worst, c, value + ", " + problem);
  }
}
