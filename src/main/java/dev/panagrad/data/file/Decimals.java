package dev.panagrad.data.file;

import java.math.BigDecimal;

/** Numbers of other kinds as the nearest double. */
public final class Decimals {
  // Powers of ten, and numbers, up to here are exact as a double.
  private static final int EXACT_SCALE = 22;
  private static final long EXACT_LONG = 1L << 53;

  private Decimals() {}

  /** An unsigned number of 64 bits, rounded once: the last bit says that others were lost. */
  public static double unsigned(long bits) {
    return bits >= 0 ? bits : (double) ((bits >>> 1) | (bits & 1)) * 2;
  }

  /** {@code unscaled / 10^scale}, rounded once. */
  public static double nearest(long unscaled, int scale) {
    if (scale >= 0 && scale <= EXACT_SCALE && Math.abs(unscaled) <= EXACT_LONG) {
      return unscaled / Math.pow(10, scale);
    }
    return BigDecimal.valueOf(unscaled, scale).doubleValue();
  }
}
