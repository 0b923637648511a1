package dev.panagrad.data.csv;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.DataException;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.TableOptions.Setting;
import dev.panagrad.data.file.DateText;
import dev.panagrad.data.file.FileSource;
import dev.panagrad.data.file.NumberText;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.data.file.ScannedTable;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/**
 * A CSV file, read twice: once to count and check its records, once to parse numbers, so that no
 * row is on the heap longer than its parsing.
 *
 * <p>Format: RFC 4180 in a {@link CsvDialect}, quotes where needed, blank lines skipped. A cell is
 * a number as {@link NumberText} has it, missing, or a text.
 */
public final class CsvTable extends ScannedTable {
  private static final int SHOWN_CHARACTERS = 40;
  // What pandas calls an index, and one that it has read as a column.
  private static final Set<String> INDEX_NAMES = Set.of("", "Unnamed: 0");

  private final Source source;
  private final TableOptions options;
  private final CsvDialect dialect;
  private boolean hasHeader = true;
  private boolean hasIndex; // its first column counts rows
  private char separator;
  private boolean hasDecimalComma;
  private final boolean hasNumericMarks;
  private PlainRecords plain; // what is read instead of records; null if the file is not plain
  // What is handed over: a record, or a row of a piece.
  private CsvRecord current;
  private PlainPiece piece;
  private int pieceRow;

  private CsvTable(String name, Source source, TableOptions options) {
    super(name);
    this.source = source;
    this.options = options;
    dialect = options.csv();
    hasNumericMarks = dialect.missing().stream().anyMatch(NumberText::isNumber);
  }

  public static CsvTable file(Path file) {
    return of(file.toString(), new FileSource(file, "a CSV file"));
  }

  public static CsvTable of(String name, Source source) {
    return of(name, source, TableOptions.DEFAULT);
  }

  /**
   * Returns the class that reads unusual records, not initialized; an error where it is missing.
   */
  public static Class<?> library() {
    return CsvReader.class;
  }

  /** A table of that source, which is opened for each reading. */
  public static CsvTable of(String name, Source source, TableOptions options) {
    return new CsvTable(name, source, options);
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
  public String apart(int column) {
    layout();
    return hasIndex && column == 0 ? "it counts rows, as an index of pandas" : null;
  }

  @Override
  protected Layout scan() {
    try (Reader text = CsvRecords.text(source, dialect.charset());
        CsvReader<CsvRecord> reader = detected(text)) {
      Iterator<CsvRecord> records = reader.iterator();
      if (!records.hasNext()) {
        throw new DataException(name() + " is empty");
      }
      CsvRecord first = records.next();
      List<String> columns = hasHeader ? header(first) : NumberedColumns.of(first.getFieldCount());
      long rows = hasHeader ? 0 : 1;
      hasIndex = hasHeader && columns.size() > 1 && INDEX_NAMES.contains(columns.getFirst());
      plain = hasIndex ? null : plain(columns.size());
      if (plain != null) {
        return new Layout(columns, plain.count());
      }
      while (records.hasNext()) {
        CsvRecord record = records.next();
        hasIndex = hasIndex && record.getField(0).equals(Long.toString(rows));
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
      if (hasIndex) {
        options
            .notes()
            .accept(
                name()
                    + ": column 1 counts rows from 0, as an index of pandas, and is no feature unless it is named");
      }
      return new Layout(columns, rows);
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    }
  }

  /** The records if they need no parser of records; else null. */
  private PlainRecords plain(int columns) throws IOException {
    boolean isPlain =
        source instanceof FileSource
            && dialect.charset().equals(StandardCharsets.UTF_8)
            && dialect.comment() == 0
            && !hasDecimalComma
            && !hasNumericMarks;
    PlainRecords found =
        isPlain
            ? PlainRecords.find(
                (FileSource) source, separator, columns, hasHeader, PlainRecords.PIECE_BYTES)
            : null;
    return found == null || found.count() == 0 ? null : found;
  }

  @Override
  public void read(int[] selected, Values into) {
    Layout expected = layout();
    if (plain != null
        && selected.length > 0
        && Arrays.stream(selected).distinct().count() == selected.length) {
      readPlain(selected, into);
      return;
    }
    try (CsvReader<CsvRecord> reader =
        CsvRecords.of(CsvRecords.text(source, dialect.charset()), dialect, separator)) {
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

  private void readPlain(int[] selected, Values into) {
    long[] row = new long[1];
    try {
      boolean isSame =
          plain.read(
              selected,
              rows -> {
                piece = rows;
                int other = rows.nextOther(0);
                for (pieceRow = 0; pieceRow < rows.rows(); pieceRow++, row[0]++) {
                  int first = pieceRow * selected.length;
                  if (other >= first + selected.length) {
                    into.numbers(row[0], rows.values(), first, selected.length);
                    continue;
                  }
                  for (int i = 0; i < selected.length; i++) {
                    if (other == first + i) {
                      other = rows.nextOther(other + 1);
                      cell(rows.text(pieceRow, selected[i]).strip(), row[0], i, into);
                    } else {
                      into.number(row[0], i, rows.values()[first + i]);
                    }
                  }
                }
              });
      if (!isSame) {
        throw changed();
      }
    } catch (IOException e) {
      throw unreadable(e);
    } finally {
      piece = null;
    }
  }

  private void cell(String text, long row, int selected, Values into) {
    String number = hasDecimalComma ? pointed(text) : text;
    if (NumberText.isNumber(number) && !(hasNumericMarks && dialect.missing().contains(text))) {
      into.number(row, selected, NumberText.parse(number));
    } else {
      other(text, row, selected, into);
    }
  }

  private void other(String text, long row, int selected, Values into) {
    if (text.isEmpty() || dialect.missing().contains(text)) {
      into.missing(row, selected);
      return;
    }
    double seconds = options.dates() == null ? Double.NaN : DateText.seconds(text);
    if (Double.isNaN(seconds)) {
      into.text(row, selected, text);
    } else {
      into.number(row, selected, options.dates().of(seconds));
    }
  }

  /** A number with a point where it has a comma; what has a point already is none. */
  private static String pointed(String text) {
    return text.indexOf('.') >= 0 ? "" : text.replace(',', '.');
  }

  @Override
  public String place(long row, int column) {
    try {
      long line =
          piece == null ? current.getStartingLineNumber() : plain.line(piece.position(pieceRow));
      return "%s:%d:%d".formatted(name(), line, column + 1);
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** Shows the cell as it is written, a number too. */
  @Override
  public DataException wrong(long row, int column, String value, String problem) {
    String text = (piece == null ? current.getField(column) : piece.text(pieceRow, column)).strip();
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

  /** Finds how a text is written, and says what is not as usual. */
  private CsvReader<CsvRecord> detected(Reader text) throws IOException {
    CsvDetection found = CsvDetection.of(text, dialect);
    separator = found.separator;
    hasDecimalComma = found.decimal == ',';
    List<String> unusual = new ArrayList<>();
    if (dialect.separator() == 0 && separator != ',' && found.hasFields) {
      unusual.add("separated by " + (separator == '\t' ? "tabs" : "'" + separator + "'"));
    }
    if (dialect.decimal() == 0 && hasDecimalComma) {
      unusual.add("decimal comma");
    }
    if (!unusual.isEmpty()) {
      options.notes().accept("reading " + name() + ": " + String.join(", ", unusual));
    }
    if (hasHeader && found.isHeaderOfNumbers) {
      options
          .notes()
          .accept(
              name()
                  + ": its first record is of numbers, and taken for names of columns; if it is data, say "
                  + options.names().apply(Setting.NO_HEADER));
    }
    if (found.hasBlanks) {
      options
          .notes()
          .accept(
              name()
                  + ": one column; if its fields are separated by blanks, say so by "
                  + options.names().apply(Setting.SEPARATOR));
    }
    return CsvRecords.of(text, dialect, separator);
  }

  private DataException unreadable(Exception e) {
    Throwable cause = e;
    while ((cause instanceof UncheckedIOException || cause instanceof CsvParseException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return switch (cause) {
      case CharacterCodingException _ -> wrongBytes(e);
      case IOException io -> RegularFile.cannotRead(name(), io);
      default -> new DataException("cannot read " + name() + ": " + cause.getMessage(), e);
    };
  }

  private DataException wrongBytes(Exception cause) {
    try {
      return new DataException(
          "cannot read %s: it is not %s near line %,d; write it as UTF-8, or name its character set by %s"
              .formatted(
                  name(),
                  dialect.charset(),
                  CsvRecords.wrongLine(source, dialect.charset()),
                  options.names().apply(Setting.CHARSET)),
          cause);
    } catch (IOException e) {
      return RegularFile.cannotRead(name(), e);
    }
  }

  private List<String> header(CsvRecord record) {
    List<String> columns = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String field : record.getFields()) {
      String column = field.strip();
      if (!seen.add(column)) {
        throw new DataException(
            "%s:%d: column '%s' appears twice; names must be unique%s"
                .formatted(
                    name(),
                    record.getStartingLineNumber(),
                    column,
                    NumberText.isNumber(column)
                        ? "; if the first record is data, say "
                            + options.names().apply(Setting.NO_HEADER)
                        : ""));
      }
      columns.add(column);
    }
    return columns;
  }
}
