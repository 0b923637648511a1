package dev.panagrad.data.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.panagrad.data.DataException;
import dev.panagrad.data.file.NumberText;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.data.file.ScannedTable;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/**
 * A CSV file, read twice: once to count and check its records, once to parse numbers, so that no
 * row is on the heap longer than its parsing.
 *
 * <p>Format: RFC 4180, UTF-8, comma, quotes where needed, blank lines skipped. A cell is a number
 * as {@link NumberText} has it, missing, or a text.
 */
public final class CsvTable extends ScannedTable {
  private static final char BYTE_ORDER_MARK = 0xFEFF;

  /** What stands for a missing value, beside an empty cell and {@code nan}. */
  private static final Set<String> MISSING =
      Set.of("NA", "N/A", "<NA>", "#N/A", "n/a", "NULL", "null", "None", "?");

  private static final int SHOWN_CHARACTERS = 40;

  private final Source source;
  private boolean hasHeader = true;
  private CsvRecord current; // while its cells are handed over

  private CsvTable(String name, Source source) {
    super(name);
    this.source = source;
  }

  public static CsvTable file(Path file) {
    return new CsvTable(
        file.toString(),
        () -> {
          RegularFile.require(file, "a CSV file");
          return Files.newInputStream(file);
        });
  }

  public static CsvTable of(String name, Source source) {
    return new CsvTable(name, source);
  }

  @Override
  public CsvTable withoutHeader() {
    hasHeader = false;
    rescan();
    return this;
  }

  @Override
  public boolean hasNames() {
    return hasHeader;
  }

  @Override
  protected Layout scan() {
    try (CsvReader<CsvRecord> reader = reader()) {
      Iterator<CsvRecord> records = reader.iterator();
      if (!records.hasNext()) {
        throw new DataException(name() + " is empty");
      }
      CsvRecord first = records.next();
      List<String> columns = hasHeader ? header(first) : NumberedColumns.of(first.getFieldCount());
      long rows = hasHeader ? 0 : 1;
      while (records.hasNext()) {
        CsvRecord record = records.next();
        int fields = record.getFieldCount();
        if (fields != columns.size()) {
          long line = record.getStartingLineNumber();
          String other = hasHeader ? "the header" : "the first record";
          throw new DataException(
              "%s:%d: %d fields where %s has %d"
                  .formatted(name(), line, fields, other, columns.size()));
        }
        rows++;
      }
      if (rows == 0) {
        throw new DataException(name() + " has a header and no rows");
      }
      return new Layout(columns, rows);
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    }
  }

  @Override
  public void read(int[] selected, Values into) {
    Layout expected = layout();
    try (CsvReader<CsvRecord> reader = reader()) {
      Iterator<CsvRecord> records = reader.iterator();
      if (hasHeader && records.hasNext()) {
        records.next();
      }
      long row = 0;
      while (records.hasNext() && row < expected.rows()) {
        current = records.next();
        int fields = current.getFieldCount();
        for (int i = 0; i < selected.length; i++) {
          if (selected[i] >= fields) {
            throw changed();
          }
          cell(current.getField(selected[i]).strip(), row, i, into);
        }
        row++;
      }
      if (row < expected.rows() || records.hasNext()) {
        throw changed();
      }
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    } finally {
      current = null;
    }
  }

  private static void cell(String text, long row, int selected, Values into) {
    if (NumberText.isNumber(text)) {
      into.number(row, selected, NumberText.parse(text));
    } else if (text.isEmpty() || MISSING.contains(text)) {
      into.missing(row, selected);
    } else {
      into.text(row, selected, text);
    }
  }

  @Override
  public String place(long row, int column) {
    return "%s:%d:%d".formatted(name(), current.getStartingLineNumber(), column + 1);
  }

  /** Shows the cell as it is written, a number too. */
  @Override
  public DataException wrong(long row, int column, String value, String problem) {
    String text = current.getField(column).strip();
    String shown =
        text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
    return text.isEmpty()
        ? super.wrong(row, column, null, problem)
        : super.wrong(
            row,
            column,
            "'" + shown + "'",
            value == null ? "is not a number: it says that the cell " + problem : problem);
  }

  private CsvReader<CsvRecord> reader() throws IOException {
    // A decoder reports what is not UTF-8; replacing it would make equal names of different ones.
    Reader text =
        new BufferedReader(
            new InputStreamReader(source.open(), StandardCharsets.UTF_8.newDecoder()));
    // The parser would take one read for the whole mark, and a pipe may give less.
    text.mark(1);
    if (text.read() != BYTE_ORDER_MARK) {
      text.reset();
    }
    // Field counts are checked here, so that the message has the line and both counts.
    return CsvReader.builder()
        .skipEmptyLines(true)
        .allowExtraFields(true)
        .allowMissingFields(true)
        .ofCsvRecord(text);
  }

  private DataException unreadable(Exception e) {
    Throwable cause = e;
    while ((cause instanceof UncheckedIOException || cause instanceof CsvParseException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case CharacterCodingException _ ->
          new DataException(
              "cannot read " + name() + ": it is not UTF-8; convert it, or write it as UTF-8", e);
      case IOException io -> RegularFile.cannotRead(name(), io);
      default -> new DataException("cannot read " + name() + ": " + cause.getMessage(), e);
    };
  }

  private List<String> header(CsvRecord record) {
    List<String> columns = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String field : record.getFields()) {
      String column = field.strip();
      if (!seen.add(column)) {
        throw new DataException(
            "%s:%d: column '%s' appears twice; names must be unique"
                .formatted(name(), record.getStartingLineNumber(), column));
      }
      columns.add(column);
    }
    return columns;
  }
}
