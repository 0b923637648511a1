package dev.panagrad.rule;

/**
 * Stores one byte per number, and one F32 per block of 256 numbers: small floating-point numbers
 * with five bits of exponent, relative to the block's largest magnitude.
 *
 * <pre>
 *   bit        7 | 6 ... 2 | 1 0          signed: means of gradients, velocities
 *            sign  exponent  mantissa     0, and a factor of 2^31.5 from the smallest to the largest
 *
 *   bit      7 ... 3 | 2 1 0              not negative: means of squares
 *           exponent   mantissa           0, and a factor of 2^31.75
 * </pre>
 *
 * A code is the upper part of the bits of an F32 number, exponent and two or three bits of
 * mantissa, less an offset of the block; code 0 is 0. The block's scale is the number of the
 * largest code. So all values are F32 numbers with few bits of mantissa whatever the scale is: a
 * kept number stays what it is when the largest of its block changes, and encoding adds, compares
 * and shifts integers.
 *
 * <p><b>Bounds.</b> A number becomes one of the two neighbors of its magnitude, at random, so that
 * the expected value is the number. They are at most a quarter of it apart, an eighth where numbers
 * are not negative. What is smaller than the smallest code:
 *
 * <ul>
 *   <li>A mean of squares becomes the smallest code, and is 0 only if it was 0: no step divides by
 *       a zero that rounding made. Kept v is at least 8/9 of v, so that rounding lengthens a step
 *       by at most 6.1% through v, and 25% through m.
 *   <li>A mean of gradients becomes 0, a step of 0, or the smallest code: 2^-31.5 of the block's
 *       largest m, divided by the root of at least 2^-32 of its largest v. That is a step 2^15
 *       times shorter than the ratio of the two, which for Adam is below 7.3 rates (Cauchy-Schwarz
 *       with the default betas).
 *   <li>A coordinate whose gradients are below about 1/55,000 of the largest of its block, root
 *       mean square, takes shorter steps than in F32. Standardize such features, or use another
 *       format.
 * </ul>
 *
 * <p>Numbers beyond the largest code, infinite ones among them, become it: 3.2e38, or 3.0e38 where
 * numbers have a sign. A square that overflows shortens the steps of its block for as long as it is
 * remembered. A NaN makes all numbers of its block NaN that are not 0, as they share its scale;
 * where it must not, use another format, or a policy that refuses such gradients.
 *
 * <p>Source: blocks with a scale each are those of Dettmers, Lewis, Shleifer and Zettlemoyer
 * (2022), 8-bit optimizers via block-wise quantization, with 2,048 numbers, fewer bits of mantissa
 * for smaller magnitudes, and rounding to nearest, which makes small second moments 0 and stops
 * slow means.
 */
public final class Block8 {
  /** An F32 has these bits under its sign. */
  public static final int MAGNITUDE = 0x7fffffff;

  private static final int INFINITY_BITS = 0x7f800000;
  private static final int SIGN = 0x80;

  private Block8() {}

  /** Returns the number of bits of an F32 that are cut off. */
  public static int shift(boolean isNonNegative) {
    return isNonNegative ? 20 : 21;
  }

  /** Returns the largest code of a magnitude. */
  public static int largestCode(boolean isNonNegative) {
    return isNonNegative ? 0xff : 0x7f;
  }

  /**
   * Returns the scale of a block by the F32 bits of its largest magnitude, where a NaN is above all
   * numbers: the number of the largest code, at least that magnitude if the format has such; NaN
   * for a NaN.
   */
  public static float scale(int largest, boolean isNonNegative) {
    if (largest > INFINITY_BITS) {
      return Float.NaN;
    }
    int shift = shift(isNonNegative);
    int top = Math.min((largest + (1 << shift) - 1) >>> shift, (INFINITY_BITS >>> shift) - 1);
    // Code 1 is at least the smallest normal number, so that no value is subnormal.
    int least = (Float.floatToRawIntBits(Float.MIN_NORMAL) >>> shift) - 1;
    return Float.intBitsToFloat(Math.max(top, least + largestCode(isNonNegative)) << shift);
  }

  /** Returns the number to subtract from a magnitude's bits, and to add to a shifted code. */
  public static int offset(float scale, boolean isNonNegative) {
    return Float.floatToRawIntBits(scale) - (largestCode(isNonNegative) << shift(isNonNegative));
  }

  /** Rounds a number to its code, by the block's scale and its {@link RoundingBits#of bits}. */
  public static int encode(float x, float scale, boolean isNonNegative, int random) {
    if (Float.isNaN(scale)) {
      return x == 0 ? 0 : 1;
    }
    int shift = shift(isNonNegative);
    int bits = Float.floatToRawIntBits(x) & MAGNITUDE;
    int rounded = bits - offset(scale, isNonNegative) + (random >>> (Integer.SIZE - shift));
    int code = Math.min(Math.max(rounded, 0) >>> shift, largestCode(isNonNegative));
    if (isNonNegative) {
      return bits == 0 ? 0 : Math.max(code, 1);
    }
    return code | ((Float.floatToRawIntBits(x) >>> 24) & SIGN);
  }

  /** Returns the number of a code. */
  public static float decode(int code, float scale, boolean isNonNegative) {
    int magnitude = code & largestCode(isNonNegative);
    if (magnitude == 0) {
      return 0;
    }
    if (Float.isNaN(scale)) {
      return Float.NaN;
    }
    int bits = (magnitude << shift(isNonNegative)) + offset(scale, isNonNegative);
    return Float.intBitsToFloat(bits | ((code ^ magnitude) << 24));
  }
}
