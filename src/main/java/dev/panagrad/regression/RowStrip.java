package dev.panagrad.regression;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** A few rows of a host matrix on the heap, where loops over arrays become vectors. */
final class RowStrip {
  private static final int CELLS = 4096; // which a level-1 cache holds in both types

  /** The cells as F64, row after row. */
  final double[] values;

  private final Tensor matrix;
  private final int cols;
  private final int rows;
  private final float[] narrow; // the same as F32; null for other types

  RowStrip(Tensor matrix) {
    this(matrix, Math.clamp(CELLS / Math.max(1, matrix.cols()), 1, CELLS));
  }

  /** A strip of as many rows as another one, if there are as many. */
  RowStrip(Tensor matrix, int rows) {
    matrix.requireHost();
    this.matrix = matrix;
    cols = Math.toIntExact(matrix.cols());
    this.rows = Math.clamp(matrix.rows(), 1, rows);
    values = new double[rows * cols];
    narrow = matrix.dtype() == DType.F32 ? new float[values.length] : null;
  }

  int columns() {
    return cols;
  }

  /** How many rows it holds. */
  int rows() {
    return rows;
  }

  /** Returns what each column has, for each cell. */
  double[] perCell(double[] ofColumns) {
    double[] cells = new double[values.length];
    System.arraycopy(ofColumns, 0, cells, 0, cols);
    for (int done = cols; done < cells.length; done *= 2) {
      System.arraycopy(cells, 0, cells, done, Math.min(done, cells.length - done));
    }
    return cells;
  }

  /**
   * Loads the rows of weight at a strip's positions from one on, before an end, and the weight of
   * each cell; returns how many cells these are.
   */
  int load(RelativeWeights weights, long position, long end, double[] weight) {
    int count = (int) Math.min(rows, end - position);
    if (!weights.areGiven()) {
      Arrays.fill(weight, 1);
      load(weights.index(), position, count);
      return count * cols;
    }
    int loaded = 0;
    for (int i = 0; i < count; i++) {
      long row = weights.row(position + i);
      double ofRow = weights.of(row);
      if (ofRow > 0) {
        requireRow(row);
        copy(row, loaded, cols);
        Arrays.fill(weight, loaded, loaded + cols, ofRow);
        loaded += cols;
      }
    }
    widen(loaded);
    return loaded;
  }

  /** Loads rows of the numbers from a position of an index on, or from a row on if that is null. */
  void load(Tensor index, long position, int count) {
    if (index == null && matrix.rowStride() == cols) {
      requireRow(position);
      requireRow(position + count - 1);
      copy(position, 0, count * cols);
    } else {
      for (int i = 0; i < count; i++) {
        long row = index == null ? position + i : index.getLong(position + i);
        requireRow(row);
        copy(row, i * cols, cols);
      }
    }
    widen(count * cols);
  }

  private void requireRow(long row) {
    if (row < 0 || row >= matrix.rows()) {
      throw new IndexOutOfBoundsException(
          "tensor '%s' of shape %s has no row %d".formatted(matrix.name(), matrix.shape(), row));
    }
  }

  private void copy(long row, int to, int cells) {
    MemorySegment from = matrix.segment();
    switch (matrix.dtype()) {
      case F32 -> MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, at(row), narrow, to, cells);
      case F64 -> MemorySegment.copy(from, ValueLayout.JAVA_DOUBLE, at(row), values, to, cells);
      default -> {
        for (int i = 0; i < cells; i++) {
          values[to + i] = matrix.get(row + i / cols, i % cols);
        }
      }
    }
  }

  private long at(long row) {
    return matrix.byteOffset() + row * matrix.rowStride() * matrix.dtype().bytes();
  }

  private void widen(int cells) {
    for (int i = 0; narrow != null && i < cells; i++) {
      values[i] = narrow[i];
    }
  }

  /** Writes rows of F32 or F64 back to where they were. */
  void store(long row, int count) {
    for (int i = 0; narrow != null && i < count * cols; i++) {
      narrow[i] = (float) values[i];
    }
    MemorySegment to = matrix.segment();
    for (int i = 0; i < count; i++) {
      if (narrow == null) {
        MemorySegment.copy(values, i * cols, to, ValueLayout.JAVA_DOUBLE, at(row + i), cols);
      } else {
        MemorySegment.copy(narrow, i * cols, to, ValueLayout.JAVA_FLOAT, at(row + i), cols);
      }
    }
  }
}
