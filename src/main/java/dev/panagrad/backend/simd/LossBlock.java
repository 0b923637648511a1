package dev.panagrad.backend.simd;

import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What a loss is given of a block of rows, in double precision whatever their type is: a loss is
 * called once per block, and has one loop for both types. Rows that fill up a group have weight
 * zero.
 */
final class LossBlock {
  final double[] z = new double[RowBlock.MAX_ROWS];
  final double[] y = new double[RowBlock.MAX_ROWS];
  final double[] s = new double[RowBlock.MAX_ROWS];

  /** Reads targets and weights, and adds offsets to z, for one output. */
  void locate(RowBlock block, Tensor targets, Tensor index, RowLoss rowLoss, int output, long row) {
    int n = block.filled;
    int last = block.count - 1;
    boolean isF32 = targets.dtype() == DType.F32;
    Tensor weights = rowLoss.weights();
    Tensor offset = rowLoss.offset();
    if (weights == null) {
      Arrays.fill(s, 0, n, 1);
    }
    for (int i = 0; i < n; i++) {
      long position = RowBlock.row(index, row + Math.min(block.row[i], last));
      y[i] = cell(targets, isF32, position * targets.rowStride() + output);
      if (weights != null) {
        s[i] = cell(weights, isF32, position);
      }
      if (offset != null) {
        z[i] += cell(offset, isF32, position);
      }
    }
    for (int i = block.firstFilling; i < n; i++) {
      if (block.row[i] >= block.count) {
        s[i] = 0;
      }
    }
  }

  private static double cell(Tensor t, boolean isF32, long position) {
    return isF32
        ? t.segment().get(ValueLayout.JAVA_FLOAT, t.byteOffset() + position * Float.BYTES)
        : t.segment().get(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES);
  }
}
