package dev.panagrad.regression;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** The weighted mean products of centered columns, in the letters of {@link NormalEquations}. */
final class CenteredProducts {
  double meanWeight = 1;
  final boolean isCentered; // whether means are subtracted; they are zero if not
  final double[] mean;
  final double[] targetMean;
  final double[] q; // mean squares of the targets
  final Tensor g; // [d, d]
  final Tensor c; // [k, d]

  CenteredProducts(TensorArena arena, int d, int k, boolean isCentered) {
    this.isCentered = isCentered;
    mean = new double[d];
    targetMean = new double[k];
    q = new double[k];
    g = arena.allocate("X^T X", DType.F64, d, d);
    c = arena.allocate("X^T y", DType.F64, k, d);
  }

  /** Sums over {@code count} positions of a checked batch from {@code first}. */
  void sum(LinearAlgebra linear, Batch batch, long first, long count, RelativeWeights weights) {
    int d = mean.length;
    int k = q.length;
    double total = weights.sum(first, count);
    meanWeight = weights.largest() * (total / count);
    try (TensorArena scratch = TensorArena.open("panels of rows")) {
      RowPanel panel = new RowPanel(scratch, batch, count, weights);
      Tensor ofColumns = scratch.allocate("sums", DType.F64, 1, 1L + d + k);
      double[] means = new double[d + k];
      if (isCentered) {
        for (long done = 0; done < count; done += RowPanel.ROWS) {
          addSums(
              linear, panel.load(first + done, Math.min(RowPanel.ROWS, count - done)), ofColumns);
        }
        Arrays.setAll(means, c -> ofColumns.get(0, 1L + c) / total);
        ofColumns.fill(0);
      }
      panel.shiftBy(means);
      for (long done = 0; done < count; done += RowPanel.ROWS) {
        Tensor loaded = panel.load(first + done, Math.min(RowPanel.ROWS, count - done));
        Tensor z = panel.features(loaded);
        Tensor v = panel.targets(loaded);
        linear.syrk(1, z, 1, g);
        linear.gemm(Transpose.YES, Transpose.NO, 1, v, z, 1, c);
        addSquares(v);
        if (isCentered) {
          addSums(linear, loaded, ofColumns);
        }
      }
      double[] rest = new double[d];
      double[] targetRest = new double[k];
      Arrays.setAll(rest, f -> ofColumns.get(0, 1L + f) / total);
      Arrays.setAll(targetRest, j -> ofColumns.get(0, 1L + d + j) / total);
      center(g, rest, rest, total);
      center(c, targetRest, rest, total);
      Arrays.setAll(mean, f -> means[f] + rest[f]);
      Arrays.setAll(targetMean, j -> means[d + j] + targetRest[j]);
      Arrays.setAll(q, j -> q[j] / total - targetRest[j] * targetRest[j]);
    }
  }

  /** Adds weighted sums of the columns: products with the roots of the weights. */
  private static void addSums(LinearAlgebra linear, Tensor loaded, Tensor sums) {
    linear.gemm(Transpose.YES, Transpose.NO, 1, loaded.columns(0, 1), loaded, 1, sums);
  }

  private void addSquares(Tensor targets) {
    for (int j = 0; j < q.length; j++) {
      double squares = 0;
      for (long i = 0; i < targets.rows(); i++) {
        double value = Cells.get(targets, i * targets.rowStride() + j);
        squares += value * value;
      }
      q[j] += squares;
    }
  }

  /** Means of products from their sums, less the products of what rounding left in the means. */
  private static void center(Tensor sums, double[] left, double[] right, double total) {
    MemorySegment values = sums.segment();
    long at = sums.byteOffset();
    for (double l : left) {
      for (int j = 0; j < right.length; j++, at += Double.BYTES) {
        double mean = values.get(ValueLayout.JAVA_DOUBLE, at) / total;
        values.set(ValueLayout.JAVA_DOUBLE, at, mean - l * right[j]);
      }
    }
  }
}
