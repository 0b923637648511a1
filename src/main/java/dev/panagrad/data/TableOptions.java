package dev.panagrad.data;

import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Options say how files of rows are read, where their bytes do not say it, or say it wrongly.
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
  /** Everything is as the files say; notes are dropped. */
  public static final TableOptions DEFAULT =
      new TableOptions(null, CsvDialect.DETECTED, null, note -> {}, Setting::toString);

  /** Returns these options with another receiver of notes. */
  public TableOptions withNotes(Consumer<String> receiver) {
    return new TableOptions(format, csv, dates, receiver, names);
  }

  /** A setting can be changed where a file is not read as it is meant. */
  public enum Setting {
    NO_HEADER("Table.withoutHeader"),
    SEPARATOR("CsvDialect.separator"),
    CHARSET("CsvDialect.charset"),
    DATES("TableOptions.dates");

    private final String api;

    Setting(String api) {
      this.api = api;
    }

    /** Returns its name in Java, such as {@code CsvDialect.charset}. */
    @Override
    public String toString() {
      return api;
    }
  }

  /** Dates and timestamps become numbers in this unit, from 1970-01-01T00:00Z. */
  public enum Dates {
    DAYS(86_400),
    SECONDS(1);

    private final double seconds;

    Dates(double seconds) {
      this.seconds = seconds;
    }

    /** Returns a time as a number in this unit. */
    public double of(double sinceEpochInSeconds) {
      return sinceEpochInSeconds / seconds;
    }
  }
}
