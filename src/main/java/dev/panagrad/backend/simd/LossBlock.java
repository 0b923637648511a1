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

  /** Replaces z by derivatives, and returns the loss, as {@link Loss#differentiate} does. */
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

  /** Reads weights, and adds offsets to z. */
  void addRows(RowBlock block, DenseRows rows) {
    int n = block.filled;
    Tensor weights = rows.weights();
    Tensor offset = rows.offset();
    if (weights == null) {
      Arrays.fill(s, 0, n, 1);
    } else {
      for (int i = 0; i < n; i++) {
        s[i] = Cells.get(weights, block.number(i));
      }
    }
    if (offset != null) {
      for (int i = 0; i < n; i++) {
        z[i] += Cells.get(offset, block.number(i));
      }
    }
    for (int i = block.firstFilling; i < n; i++) {
      if (block.row[i] >= block.count) {
        // Zero times what may be infinite would be no number.
        z[i] = 0;
        y[i] = 0;
        s[i] = 0;
      }
    }
  }

  /** The sum of z; four at once, because one addition waits for the last. */
  double sum(int count) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    for (int i = 0; i < count; i += 4) {
      sum0 += z[i];
      sum1 += z[i + 1];
      sum2 += z[i + 2];
      sum3 += z[i + 3];
    }
    return sum0 + sum1 + (sum2 + sum3);
  }
}
