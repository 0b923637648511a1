package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import java.util.List;
import java.util.SplittableRandom;

/** The choices of one random program, all from one seed. */
final class Choices {
  /** Around the widths of vectors, blocks and chunks; the small ones are the most frequent. */
  private static final int[] SIZES = {
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 129, 255, 257
  };

  private static final long[] LIMITS = {
    -1, -2, Integer.MIN_VALUE, Integer.MAX_VALUE, 1L << 32, 1L << 61, Long.MAX_VALUE, Long.MIN_VALUE
  };

  private final SplittableRandom random;

  Choices(long seed) {
    // Neighboring seeds are to give unlike programs.
    random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L);
  }

  /** True one time in so many. */
  boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  /** True as often as not. */
  boolean coin() {
    return random.nextBoolean();
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  long below(long bound) {
    return random.nextLong(bound);
  }

  long bits() {
    return random.nextLong();
  }

  <T> T from(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  @SafeVarargs
  final <T> T any(T... options) {
    return options[random.nextInt(options.length)];
  }

  double number(double... options) {
    return options[random.nextInt(options.length)];
  }

  DType floating() {
    return coin() ? DType.F32 : DType.F64;
  }

  /** A size from 0, at most that; of large ones, at least half of it. */
  int size(int most) {
    if (most > SIZES[SIZES.length - 1]) {
      return most - random.nextInt(most / 2);
    }
    int range = 1 + random.nextInt(SIZES.length);
    return Math.min(SIZES[random.nextInt(range)], most);
  }

  /** A size from 1, at most that. */
  int positive(int most) {
    return Math.max(1, size(most));
  }

  /** Mostly a number from 0 to the bound, now and then one near it or at a limit of its type. */
  long near(long bound) {
    return switch (random.nextInt(16)) {
      case 0 -> LIMITS[random.nextInt(LIMITS.length)];
      case 1 -> bound;
      case 2 -> bound + 1;
      // A shape without elements can have Long.MAX_VALUE rows.
      default -> random.nextLong(Math.max(bound, bound + 1));
    };
  }

  double gaussian() {
    return random.nextGaussian();
  }

  /** From 0 to 1. */
  double fraction() {
    return random.nextDouble();
  }

  /** Log-uniform between two magnitudes. */
  double magnitude(double least, double most) {
    return least * Math.pow(most / least, random.nextDouble());
  }

  /** Mostly around 1; zeros, limits and what is no number among them. */
  double value() {
    return switch (random.nextInt(20)) {
      case 0 -> 0.0;
      case 1 -> -0.0;
      case 2 -> number(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
      case 3 -> number(1e300, -1e39, 1e-40, 1e-310, Double.MIN_VALUE, Double.MAX_VALUE, -0x1p63);
      case 4, 5, 6, 7 -> random.nextInt(-3, 300);
      default -> random.nextGaussian();
    };
  }
}
