package dev.panagrad.random;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.tensor.Tensor;

/**
 * The gradient of a loss by loops in double precision, with the bounds that LossConformanceTest
 * derives: of chains of as many roundings as there are features, rows of a block, and a few.
 */
record GradientOracle(GradientInputs in, long first, long count, Loss loss) {
  /** From that many outputs on, a gradient is two products, whose blocks have more rows. */
  private static final int MANY_OUTPUTS = 64;

  void verify(Tensor gw, Tensor gb, Tensor losses) {
    int d = Math.toIntExact(in.x().cols());
    int blockRows = in.w().rows() < MANY_OUTPUTS ? 256 : 1024 + 32;
    double chain = (d + blockRows + 16) * KernelCall.roundoff(in.x()) / count;
    double[] features = in.x().toArray();
    double[] w = in.w().toArray();
    for (int j = 0; j < in.w().rows(); j++) {
      Sums sums = output(j, d, features, w);
      for (int f = 0; f < d; f++) {
        double expected = sums.gradient[f] / count;
        KernelCall.near("gw", j, f, expected, gw.get(j, f), chain * sums.sizes[f]);
      }
      if (gb != null) {
        KernelCall.near("gb", j, 0, sums.intercept / count, gb.get(j), chain * sums.size);
      }
      if (losses != null) {
        double expected = sums.value / count;
        KernelCall.near("loss", j, 0, expected, losses.get(j), chain * sums.valueSize);
      }
    }
  }

  /** The sums of an output over the rows, and the sizes of the terms that errors come from. */
  private static final class Sums {
    final double[] gradient;
    final double[] sizes;
    double intercept;
    double size;
    double value;
    double valueSize;

    Sums(int features) {
      gradient = new double[features];
      sizes = new double[features];
    }
  }

  private Sums output(int j, int d, double[] features, double[] w) {
    Sums sums = new Sums(d);
    for (long i = first; i < first + count; i++) {
      int row = Math.toIntExact(in.index() == null ? i : in.index().getLong(i));
      double z =
          (in.b() == null ? 0 : in.b().get(j)) + (in.offset() == null ? 0 : in.offset().get(row));
      double zSize = (in.b() == null ? 0 : Math.abs(in.b().get(j))) + Math.abs(in.y().get(row, j));
      for (int f = 0; f < d; f++) {
        double product = features[row * d + f] * w[j * d + f];
        z += product;
        zSize += Math.abs(product);
      }
      add(sums, row, j, z, zSize, features);
    }
    return sums;
  }

  private void add(Sums sums, int row, int j, double z, double zSize, double[] features) {
    double weight = in.weights() == null ? 1 : in.weights().get(row);
    double target = in.y().get(row, j);
    double[] cell = {z};
    double value = loss.differentiate(cell, new double[] {target}, new double[] {weight}, 1);
    // A derivative is wrong by its own rounding, and by the curvature times that of z; where it
    // jumps, z may be on the other side.
    double curvature = loss instanceof Poisson ? Math.exp(z) + 1 : 2;
    boolean mayJump = loss instanceof Quantile && Math.abs(z - target) < 1e-4 * zSize;
    double own = Math.abs(cell[0]) + Math.abs(weight) * curvature * zSize;
    double chain = own + (mayJump ? 1 / KernelCall.roundoff(in.x()) : 0);
    sums.value += value;
    sums.valueSize += Math.abs(value) + chain * (zSize + 1);
    sums.intercept += cell[0];
    sums.size += chain;
    int d = sums.gradient.length;
    for (int f = 0; f < d; f++) {
      double feature = features[row * d + f];
      sums.gradient[f] += cell[0] * feature;
      sums.sizes[f] += chain * Math.abs(feature);
    }
  }
}
