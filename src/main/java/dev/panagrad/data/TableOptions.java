package dev.panagrad.data;

import java.util.function.Consumer;
import java.util.function.Function;

/**
 * How files of rows are read, where their bytes do not say it, or say it wrongly.
 *
 * @param format null: as the first bytes say, or else the ending of the name
 * @param csv how CSV files are written
 * @param dates null: dates of columnar files are days since 1970-01-01, and those of texts and
 *     timestamps are no numbers
 * @param notes takes a line about what was found and not asked for
 * @param names what messages call a setting that the caller may change
 */
public record TableOptions(
    FileFormat format,
    CsvDialect csv,
    Dates dates,
    Consumer<String> notes,
    Function<Setting, String> names) {
  /** Everything as the files say; notes are dropped. */
  public static final TableOptions DEFAULT =
      new TableOptions(null, CsvDialect.DETECTED, null, note -> {}, Setting::toString);

  /** These options with another receiver of notes. */
  public TableOptions withNotes(Consumer<String> receiver) {
    return new TableOptions(format, csv, dates, receiver, names);
  }

  /** What can be set where a file is not read as it is meant. */
  public enum Setting {
    NO_HEADER("Table.withoutHeader"),
    SEPARATOR("CsvDialect.separator"),
    CHARSET("CsvDialect.charset"),
    DATES("TableOptions.dates");

    private final String api;

    Setting(String api) {
      this.api = api;
    }

    /** Where it is in Java. */
    @Override
    public String toString() {
      return api;
    }
  }

  /** The unit in which dates and timestamps become numbers, from 1970-01-01T00:00Z. */
  public enum Dates {
    DAYS(86_400),
    SECONDS(1);

    private final double seconds;

    Dates(double seconds) {
      this.seconds = seconds;
    }

    /** A time as a number in this unit. */
    public double of(double sinceEpochInSeconds) {
      return sinceEpochInSeconds / seconds;
    }
  }
}
