package dev.panagrad.data.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.data.file.ScannedTable;
import dev.panagrad.tensor.DType;
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
 * <p>Format: RFC 4180, UTF-8, comma, quotes where needed, blank lines skipped. Every selected cell
 * must be a finite number as {@link Double#parseDouble} reads it; other columns may hold anything.
 */
public final class CsvTable extends ScannedTable {
  private static final char BYTE_ORDER_MARK = 0xFEFF;

  private final Source source;
  private boolean hasHeader = true;

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
  public void read(int[] selected, DType dtype, Cells into) {
    Layout expected = layout();
    try (CsvReader<CsvRecord> reader = reader()) {
      Iterator<CsvRecord> records = reader.iterator();
      if (hasHeader && records.hasNext()) {
        records.next();
      }
      long row = 0;
      while (records.hasNext() && row < expected.rows()) {
        CsvRecord record = records.next();
        for (int i = 0; i < selected.length; i++) {
          into.set(row, i, number(record, expected.columns(), selected[i], dtype));
        }
        row++;
      }
      if (row < expected.rows() || records.hasNext()) {
        throw changed();
      }
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    }
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

  private double number(CsvRecord record, List<String> columns, int column, DType dtype) {
    if (column >= record.getFieldCount()) {
      throw changed();
    }
    String text = record.getField(column).strip();
    double value;
    try {
      value = decimal(text);
    } catch (NumberFormatException e) {
      throw wrongCell(record, columns, column, text, "is not a number");
    }
    String problem = Table.problem(value, dtype);
    if (problem != null) {
      throw wrongCell(record, columns, column, text, problem);
    }
    return value;
  }

  /** Java's own numbers may be hexadecimal, end in d or f, and have control characters around. */
  private static double decimal(String text) {
    int last = text.length() - 1;
    if (last >= 0
        && (text.indexOf('x') >= 0
            || text.indexOf('X') >= 0
            || "dDfF".indexOf(text.charAt(last)) >= 0
            || text.charAt(0) <= ' '
            || text.charAt(last) <= ' ')) {
      throw new NumberFormatException();
    }
    return Double.parseDouble(text);
  }

  private DataException wrongCell(
      CsvRecord record, List<String> columns, int column, String text, String problem) {
    String shown = text.length() > 40 ? text.substring(0, 40) + "..." : text;
    long line = record.getStartingLineNumber();
    return new DataException(
        "%s:%d:%d: '%s' in column '%s' %s"
            .formatted(name(), line, column + 1, shown, columns.get(column), problem));
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
