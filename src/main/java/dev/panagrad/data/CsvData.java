package dev.panagrad.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Reads a CSV file into native memory: once to count and check its records, once to parse numbers
 * straight into the tensors, so that no row is ever held on the heap longer than its parsing.
 *
 * <p>Format: RFC 4180, UTF-8, comma, quotes where needed, blank lines skipped. Every selected cell
 * must be a finite number as {@link Double#parseDouble} reads it; other columns may hold anything.
 */
public final class CsvData {
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  /** Where the bytes come from; opened twice. */
  @FunctionalInterface
  public interface Source {
    /** Opens the bytes from their start. */
    InputStream open() throws IOException;
  }

  private final String name;
  private final Source source;
  private boolean hasHeader = true;
  private List<String> targets = List.of();
  private List<String> features = List.of();

  private CsvData(String name, Source source) {
    this.name = name;
    this.source = source;
  }

  /** A file. */
  public static CsvData file(Path file) {
    return new CsvData(
        file.toString(),
        () -> {
          if (Files.isDirectory(file)) {
            throw new DataException("'" + file + "' is a directory; give a CSV file");
          }
          if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new DataException(
                "'"
                    + file
                    + "' is not a regular file, and data is read twice; write it to a file first");
          }
          return Files.newInputStream(file);
        });
  }

  /** Bytes from somewhere else, under a name for messages. */
  public static CsvData of(String name, Source source) {
    return new CsvData(name, source);
  }

  /** The first record is data; columns are selected by number, from 1. */
  public CsvData withoutHeader() {
    hasHeader = false;
    return this;
  }

  /** The columns to predict, by name or by number from 1. */
  public CsvData targets(List<String> columns) {
    targets = List.copyOf(columns);
    return this;
  }

  /**
   * The columns to predict from, by name or by number from 1; all that are not targets if empty.
   */
  public CsvData features(List<String> columns) {
    features = List.copyOf(columns);
    return this;
  }

  /**
   * Reads.
   *
   * @param arena owner of the tensors
   * @param dtype F32 or F64
   * @throws DataException with file, line and column of what is wrong; nothing but the arena's
   *     memory was used
   */
  public Dataset read(TensorArena arena, DType dtype) {
    if (targets.isEmpty()) {
      throw new DataException(name + ": name at least one target column");
    }
    Scan scan = scan();
    List<String> columns = scan.columns;
    int[] y = select(columns, targets, "target");
    int[] x = features.isEmpty() ? others(columns.size(), y) : select(columns, features, "feature");
    for (int column : x) {
      for (int target : y) {
        if (column == target) {
          throw new DataException(
              "%s: column '%s' is both target and feature".formatted(name, columns.get(column)));
        }
      }
    }
    if (x.length == 0) {
      throw new DataException(name + ": no feature column is left besides the targets");
    }
    Tensor xs = arena.allocate("X", dtype, scan.rows, x.length);
    Tensor ys = arena.allocate("y", dtype, scan.rows, y.length);
    fill(columns, x, xs, y, ys);
    return new Dataset(names(columns, x), names(columns, y), xs, ys);
  }

  /**
   * Reads the feature columns alone, for predictions.
   *
   * @param arena owner of the tensor
   * @param dtype F32 or F64
   * @throws DataException as {@link #read}
   */
  public Tensor readFeatures(TensorArena arena, DType dtype) {
    if (features.isEmpty()) {
      throw new DataException(name + ": name the feature columns");
    }
    Scan scan = scan();
    int[] x = hasHeader ? named(scan.columns) : select(scan.columns, features, "feature");
    Tensor xs = arena.allocate("X", dtype, scan.rows, x.length);
    fill(scan.columns, x, xs, new int[0], xs);
    return xs;
  }

  /** By name alone: a model's feature '2' is not the second column of another file. */
  private int[] named(List<String> columns) {
    int[] selected = new int[features.size()];
    for (int i = 0; i < selected.length; i++) {
      String wanted = features.get(i);
      selected[i] = columns.indexOf(wanted);
      if (selected[i] < 0) {
        throw new DataException(
            "%s: there is no feature '%s'; did you mean '%s'? Columns: %s"
                .formatted(name, wanted, NearestName.of(wanted, columns), abbreviated(columns)));
      }
    }
    return selected;
  }

  private record Scan(List<String> columns, long rows) {}

  private Scan scan() {
    try (CsvReader<CsvRecord> reader = reader()) {
      Iterator<CsvRecord> records = reader.iterator();
      if (!records.hasNext()) {
        throw new DataException(name + " is empty");
      }
      CsvRecord first = records.next();
      List<String> columns = hasHeader ? header(first) : numbers(first.getFieldCount());
      long rows = hasHeader ? 0 : 1;
      while (records.hasNext()) {
        CsvRecord record = records.next();
        if (record.getFieldCount() != columns.size()) {
          throw new DataException(
              "%s:%d: %d fields where %s has %d"
                  .formatted(
                      name,
                      record.getStartingLineNumber(),
                      record.getFieldCount(),
                      hasHeader ? "the header" : "the first record",
                      columns.size()));
        }
        rows++;
      }
      if (rows == 0) {
        throw new DataException(name + " has a header and no rows");
      }
      return new Scan(columns, rows);
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    }
  }

  private void fill(List<String> columns, int[] x, Tensor xs, int[] y, Tensor ys) {
    try (CsvReader<CsvRecord> reader = reader()) {
      Iterator<CsvRecord> records = reader.iterator();
      if (hasHeader && records.hasNext()) {
        records.next();
      }
      long row = 0;
      while (records.hasNext() && row < xs.rows()) {
        CsvRecord record = records.next();
        for (int c = 0; c < x.length; c++) {
          xs.set(row, c, number(record, columns, x[c], xs.dtype()));
        }
        for (int c = 0; c < y.length; c++) {
          ys.set(row, c, number(record, columns, y[c], ys.dtype()));
        }
        row++;
      }
      if (row < xs.rows() || records.hasNext()) {
        throw new DataException(name + " changed while it was read");
      }
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw unreadable(e);
    }
  }

  private CsvReader<CsvRecord> reader() throws IOException {
    // Field counts are checked here, so that the message has the line and both counts.
    return CsvReader.builder()
        .skipEmptyLines(true)
        .allowExtraFields(true)
        .allowMissingFields(true)
        .ofCsvRecord(withoutByteOrderMark(source.open()), StandardCharsets.UTF_8);
  }

  /** Not by the parser: it takes one read for the whole mark, and a pipe may give less. */
  private static InputStream withoutByteOrderMark(InputStream in) throws IOException {
    PushbackInputStream pushback = new PushbackInputStream(in, BYTE_ORDER_MARK.length);
    byte[] start = pushback.readNBytes(BYTE_ORDER_MARK.length);
    if (!Arrays.equals(start, BYTE_ORDER_MARK)) {
      pushback.unread(start);
    }
    return pushback;
  }

  private double number(CsvRecord record, List<String> columns, int column, DType dtype) {
    if (column >= record.getFieldCount()) {
      throw new DataException(name + " changed while it was read");
    }
    String text = record.getField(column).strip();
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw wrongCell(record, columns, column, text, "is not a number");
    }
    if (!Double.isFinite(value)) {
      throw wrongCell(record, columns, column, text, "is not finite; remove the row or impute it");
    }
    if (dtype == DType.F32 && Math.abs(value) > Float.MAX_VALUE) {
      throw wrongCell(record, columns, column, text, "is beyond the range of f32; use f64");
    }
    return value;
  }

  private DataException wrongCell(
      CsvRecord record, List<String> columns, int column, String text, String problem) {
    String shown = text.length() > 40 ? text.substring(0, 40) + "..." : text;
    return new DataException(
        "%s:%d:%d: '%s' in column '%s' %s"
            .formatted(
                name,
                record.getStartingLineNumber(),
                column + 1,
                shown,
                columns.get(column),
                problem));
  }

  private DataException unreadable(Exception e) {
    Throwable cause = e;
    while (cause instanceof UncheckedIOException || cause instanceof CsvParseException) {
      if (cause.getCause() == null) {
        break;
      }
      cause = cause.getCause();
    }
    String why =
        switch (cause) {
          case NoSuchFileException _ -> "there is no such file";
          case AccessDeniedException _ -> "permission denied";
          default -> String.valueOf(cause.getMessage());
        };
    return new DataException("cannot read " + name + ": " + why, e);
  }

  private List<String> header(CsvRecord record) {
    List<String> columns = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String field : record.getFields()) {
      String column = field.strip();
      if (!seen.add(column)) {
        throw new DataException(
            "%s:%d: column '%s' appears twice; names must be unique"
                .formatted(name, record.getStartingLineNumber(), column));
      }
      columns.add(column);
    }
    return columns;
  }

  private static List<String> numbers(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(Integer::toString).toList();
  }

  private int[] select(List<String> columns, List<String> wanted, String what) {
    int[] selected = new int[wanted.size()];
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i < selected.length; i++) {
      selected[i] = find(columns, wanted.get(i).strip(), what);
      if (!seen.add(selected[i])) {
        throw new DataException(
            "%s: %s '%s' is selected twice".formatted(name, what, columns.get(selected[i])));
      }
    }
    return selected;
  }

  private int find(List<String> columns, String wanted, String what) {
    int byName = columns.indexOf(wanted);
    if (byName >= 0) {
      return byName;
    }
    if (wanted.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(wanted);
      if (number >= 1 && number <= columns.size()) {
        return number - 1;
      }
      throw new DataException(
          "%s: there is no column %s; there are %d".formatted(name, wanted, columns.size()));
    }
    throw new DataException(
        "%s: there is no %s '%s'; did you mean '%s'? Columns: %s"
            .formatted(name, what, wanted, NearestName.of(wanted, columns), abbreviated(columns)));
  }

  private static String abbreviated(List<String> columns) {
    int shown = 20;
    return columns.size() <= shown
        ? String.join(", ", columns)
        : String.join(", ", columns.subList(0, shown))
            + ", and "
            + (columns.size() - shown)
            + " more";
  }

  private static int[] others(int columns, int[] taken) {
    return IntStream.range(0, columns)
        .filter(c -> Arrays.stream(taken).noneMatch(t -> t == c))
        .toArray();
  }

  private static List<String> names(List<String> columns, int[] selected) {
    return Arrays.stream(selected).mapToObj(columns::get).toList();
  }
}
