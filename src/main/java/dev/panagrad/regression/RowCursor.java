package dev.panagrad.regression;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One row of a host matrix at a time, as doubles, with its weight as a part of the largest, so that
 * sums of weights from 1e-300 to 1e300 neither overflow nor vanish.
 */
final class RowCursor {
  final double[] values;
  private final Tensor matrix;
  private final Tensor index; // row numbers, or null for the rows in their order
  private final Tensor weights; // by row number, or null if all are 1
  private final double largest;
  private double weight = 1;

  /**
   * A cursor over the first {@code count} rows, or those that the index has first.
   *
   * @throws IllegalArgumentException if a weight is negative or not finite, or all are 0
   */
  RowCursor(Tensor matrix, Tensor index, long count, Tensor weights) {
    matrix.requireHost();
    this.matrix = matrix;
    this.index = index;
    this.weights = weights;
    values = new double[Math.toIntExact(matrix.cols())];
    double most = 0;
    for (long i = 0; weights != null && i < count; i++) {
      double found = weights.get(row(i));
      if (!(found >= 0 && found < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "weights must be finite and not negative, found %s in row %,d"
                .formatted(found, row(i) + 1));
      }
      most = Math.max(most, found);
    }
    if (weights != null && most == 0) {
      throw new IllegalArgumentException(
          "all training rows have weight 0: nothing is to be fitted");
    }
    largest = most;
  }

  long row(long position) {
    return index == null ? position : index.getLong(position);
  }

  /** The weight of the row that was moved to, in (0, 1]. */
  double weight() {
    return weight;
  }

  /** Loads the row at a position; false, and nothing loaded, if its weight is 0. */
  boolean moveTo(long position) {
    long row = row(position);
    if (weights != null) {
      weight = weights.get(row) / largest;
      if (weight == 0) {
        return false;
      }
    }
    if (row < 0 || row >= matrix.rows()) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' of shape %s has no row %d".formatted(matrix.name(), matrix.shape(), row));
    }
    DType dtype = matrix.dtype();
    MemorySegment from = matrix.segment();
    long at = matrix.byteOffset() + row * matrix.rowStride() * dtype.bytes();
    switch (dtype) {
      case F32 -> {
        for (int c = 0; c < values.length; c++) {
          values[c] = from.get(ValueLayout.JAVA_FLOAT, at + (long) c * Float.BYTES);
        }
      }
      case F64 -> {
        for (int c = 0; c < values.length; c++) {
          values[c] = from.get(ValueLayout.JAVA_DOUBLE, at + (long) c * Double.BYTES);
        }
      }
      default -> {
        for (int c = 0; c < values.length; c++) {
          values[c] = matrix.get(row, c);
        }
      }
    }
    return true;
  }
}
