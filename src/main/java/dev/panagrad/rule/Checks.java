package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.Optional;

/** Checks ranges; each message has the name, the accepted range and the value found. */
public final class Checks {
  private Checks() {}

  /** Requires {@code 0 < value < infinity}. */
  public static double positive(String name, double value) {
    return require(value > 0 && value < Double.POSITIVE_INFINITY, name, "(0, infinity)", value);
  }

  /** Requires {@code 0 <= value < infinity}. */
  public static double nonNegative(String name, double value) {
    return require(value >= 0 && value < Double.POSITIVE_INFINITY, name, "[0, infinity)", value);
  }

  /** Requires {@code 0 <= value < 1}. */
  public static double fraction(String name, double value) {
    return require(value >= 0 && value < 1, name, "[0, 1)", value);
  }

  /** Requires {@code 0 < value <= 1}. */
  public static double positiveFraction(String name, double value) {
    return require(value > 0 && value <= 1, name, "(0, 1]", value);
  }

  /** Requires {@code 0 < value < 1}. */
  public static double openFraction(String name, double value) {
    return require(value > 0 && value < 1, name, "(0, 1)", value);
  }

  /** Requires {@code value >= 1}. */
  public static long count(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, found " + value);
    }
    return value;
  }

  /** Requires {@code 0 <= index < count} of an owner ("the model") of things ("target"). */
  public static int index(String owner, String thing, int index, int count) {
    if (index < 0 || index >= count) {
      throw new IndexOutOfBoundsException(
          "%s has %d %ss: there is no %s %d".formatted(owner, count, thing, thing, index));
    }
    return index;
  }

  /** Requires {@code least <= value <= most}, and returns it as an int. */
  public static int size(String name, long value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s must be in [%d, %,d], found %,d".formatted(name, least, most, value));
    }
    return (int) value;
  }

  /** Why epsilon, times the factor in its smallest use, lets a rule divide 0 by 0; else empty. */
  static Optional<String> vanishing(double epsilon, double factor, DType dtype) {
    // Normal numbers only: the reciprocal of a subnormal one may be infinite.
    double least = dtype.minNormal() / factor;
    return epsilon >= least
        ? Optional.empty()
        : Optional.of(
            "its epsilon %s vanishes in %s, where a parameter without gradient would become 0 / 0; the smallest that works is %s"
                .formatted(epsilon, dtype, least));
  }

  private static double require(boolean isInside, String name, String range, double value) {
    if (!isInside) {
      throw new IllegalArgumentException(name + " must be in " + range + ", found " + value);
    }
    return value;
  }
}
