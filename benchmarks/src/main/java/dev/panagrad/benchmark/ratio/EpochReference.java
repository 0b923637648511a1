package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One epoch of Adam on a linear model in double precision. */
final class EpochReference {
  private final MemorySegment x;
  private final Tensor y;
  private final Tensor order;
  private final long batch;

  EpochReference(Tensor x, Tensor y, Tensor order, long batch) {
    this.x = NativeView.of(x);
    this.y = y;
    this.order = order;
    this.batch = batch;
  }

  /** The weights after the epoch; changes them in place. */
  double[] train(double[] w) {
    double[] mean = new double[w.length];
    double[] square = new double[w.length];
    long rows = y.count();
    int step = 0;
    for (long first = 0; first < rows; first += batch) {
      step++;
      double[] g = gradient(w, first, Math.min(batch, rows - first));
      double meanShare = 1 - Math.pow(0.9, step);
      double squareShare = 1 - Math.pow(0.999, step);
      for (int f = 0; f < w.length; f++) {
        mean[f] = 0.9 * mean[f] + 0.1 * g[f];
        square[f] = 0.999 * square[f] + 0.001 * g[f] * g[f];
        w[f] -= 1e-3 * (mean[f] / meanShare) / (Math.sqrt(square[f] / squareShare) + 1e-8);
      }
    }
    return w;
  }

  private double[] gradient(double[] w, long first, long count) {
    double[] g = new double[w.length];
    for (long i = first; i < first + count; i++) {
      long row = order == null ? i : order.getLong(i);
      double residual = -y.get(row);
      for (int f = 0; f < w.length; f++) {
        residual += at(row, f, w.length) * w[f];
      }
      for (int f = 0; f < w.length; f++) {
        g[f] += 2 * residual * at(row, f, w.length) / count;
      }
    }
    return g;
  }

  private double at(long row, int feature, int features) {
    return x.getAtIndex(ValueLayout.JAVA_FLOAT, row * features + feature);
  }
}
