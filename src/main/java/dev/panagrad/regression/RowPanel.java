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

  /** A panel of a checked matrix, for {@code count} rows in all, of a checked index or null. */
  RowPanel(TensorArena arena, Tensor source, Tensor index, long count, RelativeWeights weights) {
    this.source = source;
    this.weights = weights;
    this.index = index;
    this.panel =
        arena.allocate(
            "panel of " + source.name(), DType.F64, Math.min(ROWS, count), source.cols());
    this.partial = new double[Math.toIntExact(source.cols())];
  }

  /**
   * Loads positions of the index or of the rows, times the roots of their weights: [count, cols],
   * valid until the next call.
   */
  Tensor load(long first, long count, double[] shift) {
    MemorySegment from = source.segment();
    MemorySegment to = panel.segment();
    boolean isF32 = source.dtype() == DType.F32;
    int bytes = source.dtype().bytes();
    for (long i = 0; i < count; i++) {
      long row = row(first + i);
      long at = source.byteOffset() + row * source.rowStride() * bytes;
      long out = panel.byteOffset() + i * shift.length * Double.BYTES;
      double root = Math.sqrt(weights.of(row));
      roots[(int) i] = root;
      if (root == 0) {
        to.asSlice(out, (long) shift.length * Double.BYTES).fill((byte) 0); // whatever it holds
      } else if (isF32) {
        for (int c = 0; c < shift.length; c++) {
          double value = from.get(ValueLayout.JAVA_FLOAT, at + (long) c * Float.BYTES);
          to.set(ValueLayout.JAVA_DOUBLE, out + (long) c * Double.BYTES, root * (value - shift[c]));
        }
      } else {
        for (int c = 0; c < shift.length; c++) {
          double value = from.get(ValueLayout.JAVA_DOUBLE, at + (long) c * Double.BYTES);
          to.set(ValueLayout.JAVA_DOUBLE, out + (long) c * Double.BYTES, root * (value - shift[c]));
        }
      }
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
