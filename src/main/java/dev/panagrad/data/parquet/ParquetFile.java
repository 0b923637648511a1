package dev.panagrad.data.parquet;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ColumnReaders;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.Validity;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.FileSchema;
import dev.hardwood.schema.SchemaNode;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.data.file.Utf8;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntToDoubleFunction;

/** An open Parquet file, in terms of the library that reads it. */
public final class ParquetFile implements LibraryTable.Opened {
  // Large enough to spread what a batch costs, small enough for three of a column at a time.
  private static final int BATCH_ROWS = 1 << 15;
  // What the texts of a batch may take of the heap, which holds three.
  private static final int BATCH_HEAP_PARTS = 32;

  private static final int MOST_TOGETHER = 128; // columns
  private static final long TOGETHER_BYTES =
      Math.min(16 << 20, Runtime.getRuntime().maxMemory() / BATCH_HEAP_PARTS);
  private static final int BATCHES = 3; // of a column, that the reader holds
  private static final Table.Values NOTHING =
      new Table.Values() {
        @Override
        public void number(long row, int selected, double value) {}

        @Override
        public void text(long row, int selected, String text) {}

        @Override
        public void missing(long row, int selected) {}
      };

  private final ParquetInput input;
  private final ParquetFileReader reader;
  private final List<ParquetColumn> columns = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final long rows;
  private final int[] batchRows; // by column, once it was checked
  // Names inside of nested columns: the library reads those where it is asked for a flat one.
  private final Set<String> nestedNames = new HashSet<>();

  private ParquetFile(ParquetInput input, ParquetFileReader reader, TableOptions options) {
    this.input = input;
    this.reader = reader;
    FileSchema schema = reader.getFileSchema();
    for (SchemaNode node : schema.getRootNode().children()) {
      ColumnSchema leaf =
          node instanceof SchemaNode.PrimitiveNode primitive
              ? schema.getColumn(primitive.columnIndex())
              : null;
      names.add(ParquetFooter.name(node.name()));
      columns.add(ParquetColumn.of(node, leaf, options));
    }
    for (ColumnSchema leaf : schema.getColumns()) {
      if (leaf.fieldPath().elements().size() > 1) {
        nestedNames.add(ParquetFooter.name(leaf.name()));
      }
    }
    rows = countRows();
    batchRows = new int[columns.size()];
  }

  /** Opens a file; its dates are numbers as the options say. */
  public static LibraryTable.Opened open(Path path, TableOptions options) throws IOException {
    ParquetInput input = new ParquetInput(InputFile.of(path));
    input.open();
    ParquetFileReader reader = ParquetFileReader.open(input);
    try {
      return new ParquetFile(input, reader, options);
    } catch (RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  private long countRows() {
    long sum = 0;
    for (RowGroup group : reader.getFileMetaData().rowGroups()) {
      if (group.numRows() < 0 || group.numRows() > Long.MAX_VALUE - sum) {
        throw new DataException("a row group of %,d rows".formatted(group.numRows()));
      }
      sum += group.numRows();
    }
    if (sum != reader.getFileMetaData().numRows()) {
      throw new DataException(
          "%,d rows are announced, and its row groups have %,d"
              .formatted(reader.getFileMetaData().numRows(), sum));
    }
    return sum;
  }

  @Override
  public List<String> columns() {
    return names;
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public String refusal(int column) {
    return columns.get(column).refusal();
  }

  @Override
  public String pandas() {
    return input.pandas;
  }

  @Override
  public String notNumbers(int column) {
    return columns.get(column).notNumbers();
  }

  @Override
  public void check(int column) throws IOException {
    // By a leaf's name alone, and even by its index, hardwood-core (1.0.1) takes the first one.
    if (nestedNames.contains(names.get(column))) {
      throw new DataException(
          "column '%s' has the name of a field inside of a nested column, which cannot be told apart here; rename one, or write the file without the nested column"
              .formatted(names.get(column)));
    }
    long rowBytes =
        ParquetPages.check(
            input, reader.getFileMetaData().rowGroups(), columns.get(column).schema());
    long most = Runtime.getRuntime().maxMemory() / BATCH_HEAP_PARTS / rowBytes;
    batchRows[column] = Math.clamp(most, 1, BATCH_ROWS);
  }

  @Override
  public void read(int[] selected, Table.Values into) {
    for (int from = 0; from < selected.length; ) {
      int[] together = together(selected, from);
      try {
        read(together, from, into);
      } catch (DataException e) {
        throw e;
      } catch (RuntimeException e) {
        throw failure(together, e);
      }
      from += together.length;
    }
  }

  /** Columns of numbers that are read at once: a reader costs time for each column of the file. */
  private int[] together(int[] selected, int from) {
    int batch = (int) Math.min(rows, BATCH_ROWS);
    long most = Math.min(MOST_TOGETHER, TOGETHER_BYTES / (BATCHES * (long) Double.BYTES * batch));
    int to = from + 1;
    while (to < selected.length
        && to - from < most
        && !columns.get(selected[from]).isText()
        && !columns.get(selected[to]).isText()) {
      to++;
    }
    return Arrays.copyOfRange(selected, from, to);
  }

  private void read(int[] together, int firstSelected, Table.Values into) {
    String[] copied = new String[together.length];
    Arrays.setAll(copied, i -> columns.get(together[i]).schema().name());
    int batch = Arrays.stream(together).map(column -> batchRows[column]).min().orElseThrow();
    try (ColumnReaders batches =
        reader.buildColumnReaders(ColumnProjection.columns(copied)).batchSize(batch).build()) {
      long first = 0;
      // Its pages have as many values as there are rows, and the call that finds the end waits.
      while (first < rows && batches.nextBatch()) {
        int count = batches.getRecordCount();
        if (count > rows - first) {
          throw new DataException(
              "column '%s' has more than %,d rows".formatted(names.get(together[0]), rows));
        }
        for (int i = 0; i < together.length; i++) {
          ColumnReader values = batches.getColumnReader(copied[i]);
          ParquetColumn column = columns.get(together[i]);
          if (column.isText()) {
            texts(values, first, firstSelected + i, into);
          } else {
            numbers(values, column.values(values), first, firstSelected + i, into);
          }
        }
        first += count;
      }
      if (first != rows) {
        throw new DataException(
            "column '%s' ends after row %,d of %,d".formatted(names.get(together[0]), first, rows));
      }
    }
  }

  /** Which of the columns fails: each is read alone. */
  private DataException failure(int[] together, RuntimeException e) {
    for (int column : together) {
      try {
        read(new int[] {column}, 0, NOTHING);
      } catch (DataException alone) {
        return alone;
      } catch (RuntimeException alone) {
        return new DataException(
            "column '%s': %s".formatted(names.get(column), LibraryTable.reason(alone)), alone);
      }
    }
    return new DataException(LibraryTable.reason(e), e);
  }

  private static void numbers(
      ColumnReader batch, IntToDoubleFunction values, long first, int selected, Table.Values into) {
    int count = batch.getRecordCount();
    Validity validity = batch.getLeafValidity();
    boolean hasNulls = validity.hasNulls();
    for (int i = 0; i < count; i++) {
      if (hasNulls && validity.isNull(i)) {
        into.missing(first + i, selected);
      } else {
        into.number(first + i, selected, values.applyAsDouble(i));
      }
    }
  }

  private static void texts(ColumnReader batch, long first, int selected, Table.Values into) {
    int count = batch.getRecordCount();
    Validity validity = batch.getLeafValidity();
    byte[] bytes = batch.getBinaryValues();
    int[] offsets = batch.getBinaryOffsets();
    for (int i = 0; i < count; i++) {
      String text =
          validity.isNull(i) ? "" : Utf8.text(bytes, offsets[i], offsets[i + 1] - offsets[i]);
      if (text == null) {
        throw new IllegalArgumentException(
            "row %,d: its text is not UTF-8".formatted(first + i + 1));
      }
      if (text.isEmpty()) {
        into.missing(first + i, selected);
      } else {
        into.text(first + i, selected, text);
      }
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
    input.close();
  }
}
