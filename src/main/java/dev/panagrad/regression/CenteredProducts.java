package dev.panagrad.regression;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
    double total = weights.sum(first, count);
    meanWeight = weights.largest() * (total / count);
    try (TensorArena scratch = TensorArena.open("panels of rows")) {
      RowPanel features = new RowPanel(scratch, batch.rows().x(), batch.index(), count, weights);
      RowPanel targets = new RowPanel(scratch, batch.rows().y(), batch.index(), count, weights);
      double[] rest = new double[mean.length];
      double[] targetRest = new double[targetMean.length];
      if (isCentered) {
        for (long done = 0; done < count; done += RowPanel.ROWS) {
          long rows = Math.min(RowPanel.ROWS, count - done);
          features.addSums(features.load(first + done, rows, rest), mean);
          targets.addSums(targets.load(first + done, rows, targetRest), targetMean);
        }
        divide(mean, total);
        divide(targetMean, total);
      }
      for (long done = 0; done < count; done += RowPanel.ROWS) {
        long rows = Math.min(RowPanel.ROWS, count - done);
        Tensor z = features.load(first + done, rows, mean);
        Tensor v = targets.load(first + done, rows, targetMean);
        linear.syrk(1, z, 1, g);
        linear.gemm(Transpose.YES, Transpose.NO, 1, v, z, 1, c);
        targets.addSquares(v, q);
        if (isCentered) {
          features.addSums(z, rest);
          targets.addSums(v, targetRest);
        }
      }
      divide(rest, total);
      divide(targetRest, total);
      center(g, rest, rest, total);
      center(c, targetRest, rest, total);
      for (int f = 0; f < mean.length; f++) {
        mean[f] += rest[f];
      }
      for (int j = 0; j < q.length; j++) {
        q[j] = q[j] / total - targetRest[j] * targetRest[j];
        targetMean[j] += targetRest[j];
      }
    }
  }

  private static void divide(double[] sums, double total) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] /= total;
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
