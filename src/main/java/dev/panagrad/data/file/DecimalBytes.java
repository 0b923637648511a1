package dev.panagrad.data.file;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Parses numbers of bytes as {@link NumberText} has them, but for names: fractions eight digits at
 * once, and what a double has without rounding by one division (Clinger 1990, How to read floating
 * point numbers accurately). Others go to a library. Threading: one thread at a time.
 */
public final class DecimalBytes {
  /** How many bytes behind a number may be read. */
  public static final int SLACK = Long.BYTES;

  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long LOW_BITS = 0x0101_0101_0101_0101L;
  private static final long HIGH_BITS = 0x8080_8080_8080_8080L;
  // Whole numbers up to this, and powers of ten up to that, are doubles: one rounding is left.
  private static final long MOST_EXACT = 1L << 53;
  private static final double[] POWERS = new double[23];
  private static final long[] WHOLE_POWERS = new long[Long.BYTES + 1];
  private static final int MOST_DIGITS = 18; // of a long

  static {
    for (int i = 0; i < WHOLE_POWERS.length; i++) {
      WHOLE_POWERS[i] = Math.powExact(10L, i);
    }
    POWERS[0] = 1;
    for (int i = 1; i < POWERS.length; i++) {
      POWERS[i] = 10 * POWERS[i - 1];
    }
  }

  private int end;

  /** Returns the byte behind the number that was parsed last; -1 if there was none. */
  public int end() {
    return end;
  }

  /** Returns the nearest double of the number that begins at a byte; NaN if digits are missing. */
  public double parse(byte[] b, int start) {
    boolean isNegative = b[start] == '-';
    int i = start + (isNegative || b[start] == '+' ? 1 : 0);
    long whole = 0;
    int digits = i;
    int digit = b[i] - '0';
    while (digit >= 0 && digit <= 9) {
      whole = 10 * whole + digit;
      digit = b[++i] - '0';
    }
    digits = i - digits;
    int power = 0;
    if (b[i] == '.') {
      int point = ++i;
      int found;
      do {
        long word = (long) LONG.get(b, i) ^ (LOW_BITS * '0');
        found = digits(word);
        whole = WHOLE_POWERS[found] * whole + value(word, found);
        i += found;
      } while (found == Long.BYTES);
      power = point - i;
      digits -= power;
    }
    boolean isNumber = digits > 0;
    boolean isShort = digits <= MOST_DIGITS;
    if ((b[i] | 0x20) == 'e') {
      i++;
      i += b[i] == '-' || b[i] == '+' ? 1 : 0;
      int exponent = i;
      while (b[i] >= '0' && b[i] <= '9') {
        i++;
      }
      isNumber &= i > exponent;
      isShort = false;
    }
    end = isNumber ? i : -1;
    if (!isNumber) {
      return Double.NaN;
    }
    if (!isShort || whole > MOST_EXACT || -power >= POWERS.length) {
      return JavaDoubleParser.parseDouble(b, start, i - start);
    }
    double exact = power == 0 ? whole : whole / POWERS[-power];
    return isNegative ? -exact : exact;
  }

  /** Returns the class that parses long numbers, not initialized; an error where it is missing. */
  public static Class<?> library() {
    return JavaDoubleParser.class;
  }

  /** How many bytes of a word, from its first, are digits less '0'. */
  private static int digits(long word) {
    long others = ((word + LOW_BITS * (0x7F - 9)) | word) & HIGH_BITS;
    return Long.numberOfTrailingZeros(others) >>> 3;
  }

  /**
   * The number of the first digits of a word, eight digits at once: pairs, then fours, then all.
   * Source: Lemire (2021), Number parsing at a gigabyte per second.
   */
  private static long value(long word, int digits) {
    long last = digits == 0 ? 0 : word << (Byte.SIZE * (Long.BYTES - digits));
    long pairs = last * 10 + (last >>> 8);
    long ends = 0xFF_0000_00FFL;
    return ((pairs & ends) * ((1_000_000L << 32) + 100)
            + ((pairs >>> 16) & ends) * ((10_000L << 32) + 1))
        >>> 32;
  }
}
