package dev.panagrad.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers in the text of an option. */
final class Numbers {
  private static final List<String> UNITS = List.of("", "k", "m", "g", "t");
  // At most 18 digits, which a long holds.
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})([kmgt]?)");

  private Numbers() {}

  /** Bytes, with k, m, g or t for powers of 1,024; messages say what is measured. */
  static long bytes(String what, String size) {
    Matcher matcher = SIZE.matcher(size.strip().toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      int shift = 10 * UNITS.indexOf(matcher.group(2));
      long value = Long.parseLong(matcher.group(1));
      if (value <= Long.MAX_VALUE >> shift) {
        return value << shift;
      }
    }
    throw new UsageException(
        "%s must be a number of bytes, with k, m, g or t for powers of 1,024, found '%s'"
            .formatted(what, size));
  }

  /** The numbers between commas; none if any part is no number. */
  static double[] of(String text) {
    try {
      return Arrays.stream(text.split(",", -1)).mapToDouble(Double::parseDouble).toArray();
    } catch (NumberFormatException e) {
      return new double[0];
    }
  }
}
