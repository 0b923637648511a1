package dev.panagrad.train;

import java.util.Arrays;
import java.util.Random;

/**
 * A linear stream of which some rows are garbage: a cell, all features or the target times 1e3,
 * 1e6, 1e9 or 1e12, or NaN. The clean rows are those of the same seed without garbage.
 */
final class GarbageStream {
  private static final double[] FACTORS = {1e3, 1e6, 1e9, 1e12, Double.NaN};

  final double[] row;
  final double[] target = new double[1];
  boolean isGarbage;

  private final Random clean;
  private final Random dirt;
  private final double share;
  private final double noise;
  private final double[] coefficients;

  GarbageStream(int features, double noise, double share, long seed) {
    clean = new Random(seed);
    dirt = new Random(~seed);
    this.share = share;
    this.noise = noise;
    row = new double[features];
    coefficients = new double[features];
    Arrays.setAll(coefficients, f -> clean.nextGaussian());
  }

  /** The next row, in {@link #row} and {@link #target}. */
  void next() {
    double y = 0.5 + noise * clean.nextGaussian();
    for (int f = 0; f < row.length; f++) {
      row[f] = clean.nextGaussian();
      y += coefficients[f] * row[f];
    }
    target[0] = y;
    isGarbage = dirt.nextDouble() < share;
    if (isGarbage) {
      double factor = FACTORS[dirt.nextInt(FACTORS.length)];
      switch (dirt.nextInt(3)) {
        case 0 -> row[dirt.nextInt(row.length)] *= factor;
        case 1 -> Arrays.setAll(row, f -> row[f] * factor);
        default -> target[0] *= factor;
      }
    }
  }
}
