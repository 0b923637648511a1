package dev.panagrad.cli;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes, with k, m, g or t for powers of 1,024. */
final class MemorySize {
  private static final List<String> UNITS = List.of("", "k", "m", "g", "t");
  // At most 18 digits, which a long holds.
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})([kmgt]?)");

  private MemorySize() {}

  /**
   * The bytes.
   *
   * @param what is measured, for the message
   */
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
}
