package dev.panagrad.regression;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A few rows of a matrix at a time, as F64 and less a shift of each column: what kernels that take
 * F64 read instead of a copy of the whole matrix.
 *
 * <p>How many rows is fixed, so that sums over panels have one order whatever computes them.
 */
final class RowPanel {
  static final int ROWS = 1024; // 512 KiB for 64 columns, which a level-2 cache holds
  private final Tensor source;
  private final Tensor index;
  private final RelativeWeights weights;
  private final double[] roots = new double[ROWS]; // of the weights of the rows that are loaded
  private final Tensor panel;
  private final double[] partial;
  private final double[] values; // of a row
  private final float[] narrow; // the same as F32; null for F64

  /** A panel of a checked matrix, for {@code count} rows in all, of a checked index or null. */
  RowPanel(TensorArena arena, Tensor source, Tensor index, long count, RelativeWeights weights) {
    this.source = source;
    this.weights = weights;
    this.index = index;
    this.panel =
        arena.allocate(
            "panel of " + source.name(), DType.F64, Math.min(ROWS, count), source.cols());
    this.partial = new double[Math.toIntExact(source.cols())];
    values = new double[partial.length];
    narrow = source.dtype() == DType.F32 ? new float[partial.length] : null;
  }

  /**
   * Loads positions of the index or of the rows, times the roots of their weights: [count, cols],
   * valid until the next call.
   */
  Tensor load(long first, long count, double[] shift) {
    // Row by row on the heap, where loops over arrays become vectors.
    int cols = shift.length;
    int bytes = source.dtype().bytes();
    for (int i = 0; i < count; i++) {
      long row = row(first + i);
      double root = Math.sqrt(weights.of(row));
      roots[i] = root;
      long at = source.byteOffset() + row * source.rowStride() * bytes;
      if (root == 0) {
        Arrays.fill(values, 0); // whatever it holds
      } else if (narrow == null) {
        MemorySegment.copy(source.segment(), ValueLayout.JAVA_DOUBLE, at, values, 0, cols);
        for (int c = 0; c < cols; c++) {
          values[c] = root * (values[c] - shift[c]);
        }
      } else {
        MemorySegment.copy(source.segment(), ValueLayout.JAVA_FLOAT, at, narrow, 0, cols);
        for (int c = 0; c < cols; c++) {
          values[c] = root * (narrow[c] - shift[c]);
        }
      }
      long out = panel.byteOffset() + (long) i * cols * Double.BYTES;
      MemorySegment.copy(values, 0, panel.segment(), ValueLayout.JAVA_DOUBLE, out, cols);
    }
    return panel.rows(0, count);
  }

  /** Checked again where it is read: memory can change. */
  private long row(long position) {
    long row = index == null ? position : index.getLong(position);
    if (row < 0 || row >= source.rows()) {
      throw new IndexOutOfBoundsException(
          "entry %d of '%s' is row %d, tensor '%s' has %,d rows"
              .formatted(position, index.name(), row, source.name(), source.rows()));
    }
    return row;
  }

  /** Adds weighted sums of the shifted columns. */
  void addSums(Tensor loaded, double[] sums) {
    MemorySegment values = loaded.segment();
    long at = loaded.byteOffset();
    Arrays.fill(partial, 0);
    for (long i = 0; i < loaded.rows(); i++) {
      double root = roots[(int) i];
      for (int c = 0; c < partial.length; c++, at += Double.BYTES) {
        partial[c] += root * values.get(ValueLayout.JAVA_DOUBLE, at);
      }
    }
    add(partial, sums);
  }

  void addSquares(Tensor loaded, double[] sums) {
    MemorySegment values = loaded.segment();
    long at = loaded.byteOffset();
    Arrays.fill(partial, 0);
    for (long i = 0; i < loaded.rows(); i++) {
      for (int c = 0; c < partial.length; c++, at += Double.BYTES) {
        double value = values.get(ValueLayout.JAVA_DOUBLE, at);
        partial[c] += value * value;
      }
    }
    add(partial, sums);
  }

  private static void add(double[] terms, double[] sums) {
    for (int c = 0; c < sums.length; c++) {
      sums[c] += terms[c];
    }
  }
}
