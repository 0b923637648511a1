package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
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
   * @param backend whose threads share the rows, or null
   * @param weights [n] by row number, or null if all are 1
   */
  static ColumnMoments fit(
      Backend backend, Tensor t, Tensor index, long count, boolean center, Tensor weights) {
    RelativeWeights relative = new RelativeWeights(weights, index, 0, count);
    ColumnMoments moments = new ColumnMoments((int) t.cols());
    long row = relative.heaviest();
    double[] shift = new double[moments.mean.length];
    Arrays.setAll(shift, c -> t.get(row, c));
    List<ColumnSums> parts =
        RowChunks.map(
            backend,
            count,
            t.cols(),
            (first, end) -> ColumnSums.ofRanges(t, relative, first, end, shift),
            t,
            index,
            weights);
    ColumnSums sums = ColumnSums.together(parts);
    for (int c = 0; c < shift.length; c++) {
      // A column of one infinity is not constant: nothing is left of it when it is subtracted.
      boolean isOne = sums.low()[c] == sums.high()[c] && Double.isFinite(sums.low()[c]);
      moments.constant[c] = isOne && (center || sums.low()[c] == 0);
      moments.mean[c] =
          !center ? 0 : isOne ? sums.low()[c] : shift[c] + sums.first()[c] / sums.weight();
    }
    ColumnSums around =
        ColumnSums.together(
            RowChunks.map(
                backend,
                count,
                t.cols(),
                (first, end) -> ColumnSums.ofSquares(t, relative, first, end, moments.mean),
                t,
                index,
                weights));
    for (int c = 0; c < shift.length; c++) {
      if (!moments.constant[c]) {
        double rest = center ? around.first()[c] / sums.weight() : 0;
        double deviation = Math.sqrt(Math.max(around.second()[c] / sums.weight() - rest * rest, 0));
        double low = sums.low()[c];
        double high = sums.high()[c];
        boolean isFinite = Double.isFinite(low) && Double.isFinite(high);
        if (deviation == Double.POSITIVE_INFINITY || (isFinite && Double.isNaN(deviation))) {
          throw unusable(t, relative, count, c);
        }
        // The squares of a column that varies by less than 1e-162 are zero.
        moments.scale[c] = deviation == 0 ? high - low : deviation;
        double mean = moments.mean[c];
        moments.mean[c] += rest;
        moments.rest[c] = mean - moments.mean[c] + rest;
      }
    }
    return moments;
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
