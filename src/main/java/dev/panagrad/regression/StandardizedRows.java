package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Rows as least squares takes them: a column of ones, features and targets, shifted and scaled in
 * F64 and multiplied by the root of the row's weight. Rows of weight 0 are zeros, whatever they
 * hold.
 */
final class StandardizedRows {
  private final Batch batch;
  private final RelativeWeights relative; // where they are 0, rows are left out
  private final boolean hasIntercept;
  private final int d;
  private final double[] shift;
  private final double[] scale;
  private final boolean[] constant;
  private final double weight;
  private final boolean isWeighted;

  private StandardizedRows(
      Batch batch,
      RelativeWeights relative,
      boolean hasIntercept,
      double[] shift,
      double[] scale,
      boolean[] constant,
      double weight) {
    isWeighted = true;
    this.batch = batch;
    this.relative = relative;
    this.hasIntercept = hasIntercept;
    d = constant.length;
    this.shift = shift;
    this.scale = scale;
    this.constant = constant;
    this.weight = weight;
  }

  private StandardizedRows(StandardizedRows weighted) {
    batch = weighted.batch;
    relative = weighted.relative;
    hasIntercept = weighted.hasIntercept;
    d = weighted.d;
    shift = weighted.shift;
    scale = weighted.scale;
    constant = weighted.constant;
    weight = weighted.weight;
    isWeighted = false;
  }

  /** Returns these rows without the roots of their weights; those of weight 0 stay zeros. */
  StandardizedRows unweighted() {
    return new StandardizedRows(this);
  }

  static StandardizedRows of(Backend backend, Batch batch, long count, boolean hasIntercept) {
    DenseRows rows = batch.rows();
    Tensor index = batch.index();
    Tensor weights = rows.weights();
    ColumnMoments x = ColumnMoments.fit(backend, rows.x(), index, count, hasIntercept, weights);
    ColumnMoments y = ColumnMoments.fit(backend, rows.y(), index, count, hasIntercept, weights);
    x.requireFinite(rows.x(), index, count, rows.weights());
    y.requireFinite(rows.y(), index, count, rows.weights());
    RelativeWeights relative = new RelativeWeights(weights, index, 0, count);
    double weight = relative.sum(0, count) * relative.largest();
    if (!(weight < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "the weights in tensor '%s' add up to %s; divide them by the largest"
              .formatted(weights.name(), weight));
    }
    double[] shift = concat(x.mean, y.mean);
    double[] scale = concat(x.scale, y.scale);
    return new StandardizedRows(batch, relative, hasIntercept, shift, scale, x.constant, weight);
  }

  private static double[] concat(double[] a, double[] b) {
    double[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  boolean hasIntercept() {
    return hasIntercept;
  }

  /** Half a unit in the last place of 1, in the type of the rows. */
  double roundoff() {
    return batch.rows().dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
  }

  int features() {
    return d;
  }

  int columns() {
    return (hasIntercept ? 1 : 0) + shift.length;
  }

  double[] shift() {
    return shift;
  }

  double[] scale() {
    return scale;
  }

  boolean[] constant() {
    return constant;
  }

  /** The sum of the rows' weights. */
  double weight() {
    return weight;
  }

  /** Loads positions into the columns of a block [columns, rows], and zeros behind them. */
  void load(Tensor block, long first, long count) {
    if (count < block.cols()) {
      block.fill(0);
    }
    DenseRows rows = batch.rows();
    MemorySegment to = block.segment();
    long stride = block.rowStride() * Double.BYTES;
    for (long i = 0; i < count; i++) {
      long row = batch.row(first + i);
      boolean isLeftOut = relative.of(row) == 0;
      double root = isLeftOut ? 0 : rows.weights() == null ? 1 : Math.sqrt(rows.weights().get(row));
      root = isWeighted || root == 0 ? root : 1;
      double offset = rows.offset() == null ? 0 : rows.offset().get(row);
      long at = block.byteOffset() + i * Double.BYTES;
      if (hasIntercept) {
        to.set(ValueLayout.JAVA_DOUBLE, at, root);
        at += stride;
      }
      copy(rows.x(), row, new Target(to, at, stride), 0, 0, root);
      copy(rows.y(), row, new Target(to, at + d * stride, stride), d, offset, root);
    }
  }

  /**
   * The place that the cells of a row go to: a segment, the byte of the first, and bytes between
   * them.
   */
  private record Target(MemorySegment to, long at, long stride) {}

  private void copy(Tensor from, long row, Target target, int first, double offset, double root) {
    MemorySegment values = from.segment();
    MemorySegment to = target.to;
    int cols = (int) from.cols();
    long source = from.byteOffset() + row * from.rowStride() * from.dtype().bytes();
    long at = target.at;
    if (root == 0) {
      for (int c = 0; c < cols; c++, at += target.stride) {
        to.set(ValueLayout.JAVA_DOUBLE, at, 0);
      }
    } else if (from.dtype() == DType.F32) {
      for (int c = 0; c < cols; c++, at += target.stride) {
        double value = values.get(ValueLayout.JAVA_FLOAT, source + (long) c * Float.BYTES);
        double z = (value - offset - shift[first + c]) / scale[first + c];
        to.set(ValueLayout.JAVA_DOUBLE, at, z * root);
      }
    } else {
      for (int c = 0; c < cols; c++, at += target.stride) {
        double value = values.get(ValueLayout.JAVA_DOUBLE, source + (long) c * Double.BYTES);
        double z = (value - offset - shift[first + c]) / scale[first + c];
        to.set(ValueLayout.JAVA_DOUBLE, at, z * root);
      }
    }
  }
}
