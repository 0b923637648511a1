package dev.panagrad.data.file;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.regex.Pattern;

/**
 * Dates and times as texts: ISO 8601's {@code 2026-11-30}, {@code 2026-11-30T03:05} and {@code
 * 2026-11-30 03:05:01.5+01:00}, with a T or a blank; UTC where no offset is said.
 */
public final class DateText {
  private static final Pattern FORM =
      Pattern.compile(
          "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[-+][0-9]{2}:[0-9]{2})?)?");
  private static final int DATE = 10; // characters

  private DateText() {}

  /** Seconds from 1970-01-01T00:00Z; NaN if a text is no date. */
  public static double seconds(String text) {
    if (text.length() < DATE || text.charAt(4) != '-' || !FORM.matcher(text).matches()) {
      return Double.NaN;
    }
    try {
      if (text.length() == DATE) {
        return LocalDate.parse(text).toEpochDay() * 86_400.0;
      }
      String time = text.replace(' ', 'T');
      char last = time.charAt(time.length() - 1);
      boolean hasOffset = last == 'Z' || time.lastIndexOf('-') > DATE || time.indexOf('+') > 0;
      OffsetDateTime at =
          hasOffset
              ? OffsetDateTime.parse(time)
              : LocalDateTime.parse(time).atOffset(ZoneOffset.UTC);
      return at.toEpochSecond() + at.getNano() / 1e9;
    } catch (DateTimeException _) {
      return Double.NaN; // a thirteenth month
    }
  }
}
