package dev.panagrad.data;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * A dialect says how a CSV file is written, where it is not as RFC 4180 has it.
 *
 * @param separator between fields; 0: comma, semicolon, tab or bar, as the first records show
 * @param decimal point or comma; 0: a point, unless fields are not separated by commas and the
 *     first records have numbers with a comma
 * @param comment begins lines that are skipped; 0: there are none
 * @param charset of its text
 * @param missing cells that stand for a missing value, besides empty ones and {@code nan}
 */
public record CsvDialect(
    char separator, char decimal, char comment, Charset charset, Set<String> missing) {
  /** The first records show separator and decimal sign; text is UTF-8, missing values the usual. */
  public static final CsvDialect DETECTED =
      new CsvDialect(
          '\0',
          '\0',
          '\0',
          StandardCharsets.UTF_8,
          Set.of("NA", "N/A", "<NA>", "#N/A", "n/a", "NULL", "null", "None", "?"));

  /** Copies the cells; throws IllegalArgumentException if two characters cannot go together. */
  public CsvDialect {
    missing = Set.copyOf(missing);
    if (decimal != '\0' && decimal != '.' && decimal != ',') {
      throw new IllegalArgumentException("a decimal sign is . or , and not '" + decimal + "'");
    }
    for (char c : new char[] {separator, comment}) {
      if (c == '"' || c == '\n' || c == '\r' || (c != '\0' && c == decimal)) {
        throw new IllegalArgumentException(
            "the character %s cannot separate fields or begin comments where numbers have '%s'"
                .formatted(
                    c < ' ' ? "of code " + (int) c : "'" + c + "'", decimal == 0 ? '.' : decimal));
      }
    }
    if (separator != '\0' && separator == comment) {
      throw new IllegalArgumentException(
          "'" + separator + "' cannot both separate fields and begin comments");
    }
  }
}
