package dev.panagrad.fuzz;

import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.FileFormat;
import dev.panagrad.data.TableOptions;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** CSV files in any dialect. */
public final class DialectFuzz {
  private static final int ALLOCATED_PER_BYTE = 1000;
  private static final int CHOICES = 4;
  private static final List<Charset> CHARSETS =
      List.of(StandardCharsets.UTF_8, StandardCharsets.ISO_8859_1, StandardCharsets.UTF_16);

  private DialectFuzz() {}

  /** Separator, decimal sign, comment and character set, and then the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    if (bytes.length < CHOICES) {
      return;
    }
    CsvDialect dialect;
    try {
      dialect =
          new CsvDialect(
              (char) (bytes[0] & 0xFF),
              (char) (bytes[1] & 0xFF),
              (char) (bytes[2] & 0xFF),
              CHARSETS.get((bytes[3] & 0xFF) % CHARSETS.size()),
              Set.of("-9", "NA"));
    } catch (IllegalArgumentException e) {
      return; // characters that cannot go together
    }
    TableOptions.Dates[] dates = {null, TableOptions.Dates.DAYS, TableOptions.Dates.SECONDS};
    TableOptions options =
        new TableOptions(
            FileFormat.CSV,
            dialect,
            dates[(bytes[3] & 0xFF) / CHARSETS.size() % dates.length],
            note -> {},
            TableOptions.Setting::toString);
    byte[] file = Arrays.copyOfRange(bytes, CHOICES, bytes.length);
    TableReading.check("x.csv", file, ALLOCATED_PER_BYTE, options);
  }
}
