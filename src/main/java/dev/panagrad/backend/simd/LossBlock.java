package dev.panagrad.backend.simd;

import dev.panagrad.backend.DenseRows;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.Arena;
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

  private final LogisticBlock logistic;

  LossBlock(Arena arena) {
    logistic = new LogisticBlock(arena);
  }

  /** As {@link Loss#differentiate}, of the first {@code count} rows. */
  double differentiate(Loss loss, int count) {
    if (!(loss instanceof Logistic)) {
      return loss.differentiate(z, y, s, count);
    }
    int end = Math.ceilDiv(count, LanesF64.COUNT) * LanesF64.COUNT;
    for (int i = count; i < end; i++) {
      z[i] = 0;
      y[i] = 0;
      s[i] = 0;
    }
    return logistic.differentiate(z, y, s, count);
  }

  /** Reads targets and weights, and adds offsets to z, for one output. */
  void addRows(RowBlock block, DenseRows rows, int output) {
    int n = block.filled;
    Tensor targets = rows.y();
    Tensor weights = rows.weights();
    Tensor offset = rows.offset();
    if (weights == null) {
      Arrays.fill(s, 0, n, 1);
    }
    for (int i = 0; i < n; i++) {
      long row = block.number(i);
      y[i] = Cells.get(targets, row * targets.rowStride() + output);
      if (weights != null) {
        s[i] = Cells.get(weights, row);
      }
      if (offset != null) {
        z[i] += Cells.get(offset, row);
      }
    }
    for (int i = block.firstFilling; i < n; i++) {
      if (block.row[i] >= block.count) {
        s[i] = 0;
      }
    }
  }
}
