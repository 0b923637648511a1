package dev.panagrad.data.file;

/**
 * Numbers as text files write them: {@code [+-] digits [. digits] [e [+-] digits]}, where one of
 * the two groups of digits may be missing; and, in any case, {@code nan}, {@code inf} and {@code
 * infinity}. Java's own literals ({@code 1f}, {@code 0x1p3}) are none.
 */
public final class NumberText {
  private NumberText() {}

  /** True for a number in this form, without anything around it. */
  public static boolean isNumber(String text) {
    int length = text.length();
    int begin = length > 0 && isSign(text.charAt(0)) ? 1 : 0;
    int at = digits(text, begin);
    int digits = at - begin;
    if (at < length && text.charAt(at) == '.') {
      int after = digits(text, at + 1);
      digits += after - at - 1;
      at = after;
    }
    if (digits == 0) {
      return at == begin && isName(text, begin);
    }
    if (at < length && (text.charAt(at) | 0x20) == 'e') {
      at += at + 1 < length && isSign(text.charAt(at + 1)) ? 2 : 1;
      int after = digits(text, at);
      return after > at && after == length;
    }
    return at == length;
  }

  private static boolean isSign(char c) {
    return c == '-' || c == '+';
  }

  private static int digits(String text, int from) {
    int at = from;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    return at;
  }

  private static boolean isName(String text, int begin) {
    int length = text.length() - begin;
    return length == 3
        ? text.regionMatches(true, begin, "nan", 0, 3)
            || text.regionMatches(true, begin, "inf", 0, 3)
        : length == 8 && text.regionMatches(true, begin, "infinity", 0, 8);
  }

  /** The nearest double of a number in this form; infinite beyond the largest. */
  public static double parse(String text) {
    char last = text.charAt(text.length() - 1);
    if (last <= '9') {
      return Double.parseDouble(text);
    }
    int begin = isSign(text.charAt(0)) ? 1 : 0;
    if ((text.charAt(begin) | 0x20) == 'n') {
      return Double.NaN;
    }
    return text.charAt(0) == '-' ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }
}
