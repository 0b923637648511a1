package dev.panagrad.regression;

import dev.panagrad.backend.Batch;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A few rows of a checked batch at a time, as F64: what kernels that take F64 read instead of a
 * copy of all rows.
 *
 * <pre>
 *   s_i (1, x_i - shift of X, y_i - shift of y)      s_i: the root of the row's weight
 * </pre>
 *
 * <p>How many rows is fixed, so that sums over panels have one order whatever computes them.
 */
final class RowPanel {
  static final int ROWS = 1024; // 512 KiB for 64 columns, which a level-2 cache holds
  private final Tensor index;
  private final RelativeWeights weights;
  private final int d;
  private final RowStrip x;
  private final RowStrip y;
  private double[] shiftX; // of each cell of a strip
  private double[] shiftY;
  private final Tensor panel;

  /** A panel for {@code count} rows in all. */
  RowPanel(TensorArena arena, Batch batch, long count, RelativeWeights weights) {
    this.weights = weights;
    index = batch.index();
    x = new RowStrip(batch.rows().x());
    y = new RowStrip(batch.rows().y());
    d = (int) batch.rows().features();
    long columns = 1L + d + batch.rows().outputs();
    panel = arena.allocate("panel of rows", DType.F64, Math.min(ROWS, count), columns);
    panel.columns(0, 1).fill(1);
    shiftBy(new double[(int) columns - 1]);
  }

  /** Subtracts that of X and y from rows that are loaded from now on. */
  void shiftBy(double[] shift) {
    shiftX = x.perCell(Arrays.copyOf(shift, d));
    shiftY = y.perCell(Arrays.copyOfRange(shift, d, shift.length));
  }

  /**
   * Loads positions of the index or of the rows: [count, 1 + d + k], valid until the next call.
   * Rows of weight 0 are zeros, whatever they hold.
   */
  Tensor load(long first, long count) {
    load(x, shiftX, first, count, 1);
    load(y, shiftY, first, count, 1 + d);
    return panel.rows(0, count);
  }

  private void load(RowStrip strip, double[] shift, long first, long count, int column) {
    double[] values = strip.values;
    long stride = panel.rowStride() * Double.BYTES;
    MemorySegment to = panel.segment();
    long at = panel.byteOffset() + (long) column * Double.BYTES;
    for (long done = 0; done < count; done += strip.rows()) {
      int rows = (int) Math.min(strip.rows(), count - done);
      strip.load(index, first + done, rows);
      int cells = rows * strip.columns();
      for (int i = 0; i < cells; i++) {
        values[i] -= shift[i];
      }
      for (int i = 0; weights.areGiven() && i < rows; i++) {
        double root = Math.sqrt(weights.of(weights.row(first + done + i)));
        panel.set(done + i, 0, root);
        for (int cell = i * strip.columns(); cell < (i + 1) * strip.columns(); cell++) {
          values[cell] = root == 0 ? 0 : root * values[cell];
        }
      }
      for (int cell = 0; cell < cells; cell += strip.columns(), at += stride) {
        MemorySegment.copy(values, cell, to, ValueLayout.JAVA_DOUBLE, at, strip.columns());
      }
    }
  }

  /** X of what was loaded. */
  Tensor features(Tensor loaded) {
    return loaded.columns(1, d);
  }

  /** The targets of what was loaded. */
  Tensor targets(Tensor loaded) {
    return loaded.columns(1L + d, loaded.cols() - 1 - d);
  }
}
