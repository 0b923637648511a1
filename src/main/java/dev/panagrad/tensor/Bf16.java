package dev.panagrad.tensor;

/**
 * Converts numbers of sixteen bits with the range of F32: its sign, its eight bits of exponent, and
 * the first seven of its mantissa.
 *
 * <pre>
 *   bit   15 | 14 ....... 7 | 6 ........ 0
 *        sign    exponent      mantissa        the upper half of the F32
 * </pre>
 *
 * Rounding is to the nearest, of two equally near ones to that with an even mantissa. What is
 * larger than the largest by half a unit or more becomes infinite; a NaN stays a NaN, with its sign
 * and the upper bits of its payload, and never becomes infinite.
 */
public final class Bf16 {
  private static final int SHIFT = 16;
  private static final int HALF = 0x7fff;
  private static final int QUIET = 0x40;

  private Bf16() {}

  /** Returns the number of those bits: exact, as every such number is an F32. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << SHIFT);
  }

  /** Returns the bits of the number nearest to an F32. */
  public static short nearest(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> SHIFT) | QUIET);
    }
    // Half a unit less one, and one more where the last bit kept is odd: a tie goes to even.
    return (short) ((bits + HALF + ((bits >>> SHIFT) & 1)) >>> SHIFT);
  }

  /** Returns the bits of the number nearest to an F64, rounded once. */
  public static short nearest(double value) {
    float rounded = (float) value;
    if (rounded == value || Double.isNaN(value)) {
      return nearest(rounded);
    }
    // Towards zero, with the last bit set for what was cut off: it decides between a tie and more
    // than one, and is itself far below the unit kept.
    int bits = Float.floatToRawIntBits(rounded);
    if (Math.abs((double) rounded) > Math.abs(value)) {
      bits--;
    }
    return nearest(Float.intBitsToFloat(bits | 1));
  }
}
