package dev.panagrad.regression;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One row of a host matrix at a time, as doubles, with its weight as a part of the largest. */
final class RowCursor {
  final double[] values;
  private final Tensor matrix;
  private final RelativeWeights weights;
  private double weight;

  /** A cursor over the first {@code count} rows, or those that the index has first. */
  RowCursor(Tensor matrix, Tensor index, long count, Tensor weights) {
    matrix.requireHost();
    this.matrix = matrix;
    this.weights = new RelativeWeights(weights, index, 0, count);
    values = new double[Math.toIntExact(matrix.cols())];
  }

  long row(long position) {
    return weights.row(position);
  }

  /** The weight of the row that was moved to, in (0, 1]. */
  double weight() {
    return weight;
  }

  /** Loads the row at a position; false, and nothing loaded, if its weight is 0. */
  boolean moveTo(long position) {
    long row = row(position);
    weight = weights.of(row);
    if (weight == 0) {
      return false;
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
