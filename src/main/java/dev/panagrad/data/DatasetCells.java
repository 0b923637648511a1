package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Writes the cells of features, and then those of targets, into tensors of F32 or F64. */
final class DatasetCells implements Table.Cells {
  private final Tensor x;
  private final Tensor y;
  private final int features;
  private final float[] narrow;

  /** Cells of features alone where y is null. */
  DatasetCells(Tensor x, Tensor y) {
    this.x = x;
    this.y = y;
    features = (int) x.cols();
    narrow = new float[features + (y == null ? 0 : (int) y.cols())];
  }

  @Override
  public void set(long row, int selected, double value) {
    if (selected < features) {
      Cells.set(x, row * x.rowStride() + selected, value);
    } else {
      Cells.set(y, row * y.rowStride() + selected - features, value);
    }
  }

  @Override
  public void setRow(long row, double[] values, int from, int count) {
    if (x.dtype() == DType.F32) {
      for (int i = 0; i < count; i++) {
        narrow[i] = (float) values[from + i];
      }
    }
    setRow(x, row, values, from, 0);
    if (y != null) {
      setRow(y, row, values, from, features);
    }
  }

  private void setRow(Tensor t, long row, double[] values, int from, int first) {
    MemorySegment to = t.segment();
    int cols = (int) t.cols();
    long at = t.byteOffset() + row * t.rowStride() * t.dtype().bytes();
    if (t.dtype() == DType.F32) {
      MemorySegment.copy(narrow, first, to, ValueLayout.JAVA_FLOAT, at, cols);
    } else {
      MemorySegment.copy(values, from + first, to, ValueLayout.JAVA_DOUBLE, at, cols);
    }
  }
}
