package dev.panagrad.rule;

/**
 * Range checks of hyper-parameters; each message has the name, the accepted range and the value
 * found.
 */
public final class Checks {
  private Checks() {}

  /** Requires {@code 0 < value < infinity}. */
  public static double positive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw rejected(name, "(0, infinity)", value);
    }
    return value;
  }

  /** Requires {@code 0 <= value < infinity}. */
  public static double nonNegative(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw rejected(name, "[0, infinity)", value);
    }
    return value;
  }

  /** Requires {@code 0 <= value < 1}. */
  public static double fraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw rejected(name, "[0, 1)", value);
    }
    return value;
  }

  /** Requires {@code 0 < value <= 1}. */
  public static double positiveFraction(String name, double value) {
    if (!(value > 0 && value <= 1)) {
      throw rejected(name, "(0, 1]", value);
    }
    return value;
  }

  /** Requires {@code 0 < value < 1}. */
  public static double openFraction(String name, double value) {
    if (!(value > 0 && value < 1)) {
      throw rejected(name, "(0, 1)", value);
    }
    return value;
  }

  /** Requires {@code value >= 1}. */
  public static long count(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, found " + value);
    }
    return value;
  }

  private static IllegalArgumentException rejected(String name, String range, double value) {
    return new IllegalArgumentException(name + " must be in " + range + ", found " + value);
  }
}
