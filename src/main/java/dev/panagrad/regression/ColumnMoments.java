package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

/** Means and deviations of the columns of one matrix, in double precision. */
final class ColumnMoments {
  /** Zero where means are not to be subtracted. */
  final double[] mean;

  /** The true mean less {@link #mean}: what does not fit into a double beside it. */
  final double[] rest;

  /** The standard deviation, or the root mean square without means; 1 where constant. */
  final double[] scale;

  final boolean[] constant;

  private ColumnMoments(double[] mean, double[] rest, double[] scale, boolean[] constant) {
    this.mean = mean;
    this.rest = rest;
    this.scale = scale;
    this.constant = constant;
  }

  private ColumnMoments(int cols) {
    this(new double[cols], new double[cols], new double[cols], new boolean[cols]);
    Arrays.fill(scale, 1);
  }

  ColumnMoments withScale(double common) {
    double[] scales = new double[scale.length];
    Arrays.fill(scales, common);
    return new ColumnMoments(mean, rest, scales, constant);
  }

  /** Columns [from, to) of a tensor that {@link #writeTo} wrote. */
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

  /** Writes them into four rows, from a column on. */
  void writeTo(Tensor t, int from) {
    for (int c = 0; c < mean.length; c++) {
      t.set(0, from + c, mean[c]);
      t.set(1, from + c, rest[c]);
      t.set(2, from + c, scale[c]);
      t.set(3, from + c, constant[c] ? 1 : 0);
    }
  }

  /** A text that differs where these do: a CRC-32C, against mistakes. */
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

  static ColumnMoments identity(int cols) {
    return new ColumnMoments(cols);
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
    for (int c = 0; c < mean.length; c++) {
      if (mean[c] != 0 || rest[c] != 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Two passes, the squares around the mean, which does not cancel; what rounding left out of the
   * mean is then known and taken out (Chan, Golub and LeVeque 1983).
   *
   * @param index the rows to fit on, I64, or null for all
   * @param count rows to fit on: the first of {@code index}, or all
   * @param center whether to subtract means
   */
  static ColumnMoments fit(Tensor t, Tensor index, long count, boolean center) {
    int cols = Math.toIntExact(t.cols());
    ColumnMoments moments = new ColumnMoments(cols);
    double[] low = new double[cols];
    double[] high = new double[cols];
    Arrays.fill(low, Double.POSITIVE_INFINITY);
    Arrays.fill(high, Double.NEGATIVE_INFINITY);
    for (long i = 0; i < count; i++) {
      long row = index == null ? i : index.getLong(i);
      for (int c = 0; c < cols; c++) {
        double value = t.get(row, c);
        moments.mean[c] += (value - moments.mean[c]) / (i + 1);
        low[c] = Math.min(low[c], value);
        high[c] = Math.max(high[c], value);
      }
    }
    for (int c = 0; c < cols; c++) {
      moments.constant[c] = center ? low[c] == high[c] : low[c] == 0 && high[c] == 0;
      if (!center) {
        moments.mean[c] = 0;
      } else if (moments.constant[c]) {
        moments.mean[c] = low[c];
      }
    }
    double[] squares = new double[cols];
    for (long i = 0; i < count; i++) {
      long row = index == null ? i : index.getLong(i);
      for (int c = 0; c < cols; c++) {
        double centered = t.get(row, c) - moments.mean[c];
        moments.rest[c] += centered;
        squares[c] += centered * centered;
      }
    }
    for (int c = 0; c < cols; c++) {
      moments.rest[c] = center && !moments.constant[c] ? moments.rest[c] / count : 0;
      if (!moments.constant[c]) {
        double rest = moments.rest[c];
        double deviation = Math.sqrt(Math.max(squares[c] / count - rest * rest, 0));
        if (deviation == Double.POSITIVE_INFINITY) {
          throw new IllegalArgumentException(
              "column %d of tensor '%s' is too large to standardize: its squares are beyond F64"
                  .formatted(c + 1, t.name()));
        }
        // The squares of a column that varies by less than 1e-162 are zero.
        moments.scale[c] = deviation == 0 ? high[c] - low[c] : deviation;
      }
    }
    return moments;
  }
}
