package dev.panagrad.data.parquet;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.Validity;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.FileSchema;
import dev.hardwood.schema.SchemaNode;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** An open Parquet file, in terms of the library that reads it. */
final class ParquetFile implements AutoCloseable {
  /** Large enough to spread what a batch costs, small enough for three of a column at a time. */
  private static final int BATCH_ROWS = 1 << 15;

  private final Path path;
  private final ParquetInput input;
  private final ParquetFileReader reader;
  private final List<ParquetColumn> columns = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final long rows;

  /** Names inside of nested columns: the library reads those where it is asked for a flat one. */
  private final Set<String> nestedNames = new HashSet<>();

  private ParquetFile(Path path, ParquetInput input, ParquetFileReader reader) {
    this.path = path;
    this.input = input;
    this.reader = reader;
    FileSchema schema = reader.getFileSchema();
    Set<String> seen = new HashSet<>();
    for (SchemaNode node : schema.getRootNode().children()) {
      ColumnSchema leaf =
          node instanceof SchemaNode.PrimitiveNode primitive
              ? schema.getColumn(primitive.columnIndex())
              : null;
      String name = ParquetFooter.name(node.name());
      if (!seen.add(name)) {
        throw new DataException("column '%s' appears twice; names must be unique".formatted(name));
      }
      names.add(name);
      columns.add(ParquetColumn.of(node, leaf));
    }
    for (ColumnSchema leaf : schema.getColumns()) {
      if (leaf.fieldPath().elements().size() > 1) {
        nestedNames.add(ParquetFooter.name(leaf.name()));
      }
    }
    rows = countRows();
  }

  private static ParquetFile open(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new DataException(
          Files.exists(path) ? "it is not a regular file" : "there is no such file");
    }
    ParquetInput input = new ParquetInput(InputFile.of(path));
    input.open();
    ParquetFileReader reader = ParquetFileReader.open(input);
    try {
      return new ParquetFile(path, input, reader);
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

  /**
   * Names and rows of a file. The pages of one column, the first of which that can be said, have
   * been found to hold as many.
   */
  static LibraryTable.Layout layout(Path path) {
    return opened(
        path,
        file -> {
          if (file.rows == 0) {
            throw new DataException("it has no rows");
          }
          file.requireRows();
          return new LibraryTable.Layout(List.copyOf(file.names), file.rows);
        });
  }

  /** What a caller allocates by the number of rows must not rest on a number alone. */
  private void requireRows() throws IOException {
    DataException first = null;
    for (ParquetColumn column : columns) {
      if (column.refusal() == null) {
        try {
          check(column);
          return;
        } catch (DataException e) {
          first = first == null ? e : first;
        }
      }
    }
    throw first != null ? first : new DataException("none of its columns is one of numbers");
  }

  /** By a leaf's name alone, and even by its index, hardwood-core (1.0.1) takes the first one. */
  private void requireUnambiguous(String name) {
    if (nestedNames.contains(name)) {
      throw new DataException(
          "column '%s' has the name of a field inside of a nested column, which cannot be told apart here; rename one, or write the file without the nested column"
              .formatted(name));
    }
  }

  private void check(ParquetColumn column) throws IOException {
    ParquetPages.check(input, reader.getFileMetaData().rowGroups(), column.schema());
  }

  /** Hands over the cells of these columns. */
  static void read(
      Path path, LibraryTable.Layout expected, int[] selected, DType dtype, Table.Cells into) {
    opened(
        path,
        file -> {
          if (!expected.equals(new LibraryTable.Layout(file.names, file.rows))) {
            throw new DataException("it changed while it was read");
          }
          for (int index : selected) {
            ParquetColumn column = file.columns.get(index);
            if (column.refusal() != null) {
              throw new DataException(
                  "column '%s' %s".formatted(file.names.get(index), column.refusal()));
            }
            file.requireUnambiguous(file.names.get(index));
            file.check(column);
          }
          for (int i = 0; i < selected.length; i++) {
            file.read(selected[i], i, dtype, into);
          }
          return null;
        });
  }

  private void read(int index, int selected, DType dtype, Table.Cells into) {
    ParquetColumn column = columns.get(index);
    String name = names.get(index);
    try (ColumnReader batches =
        reader.buildColumnReader(column.schema().columnIndex()).batchSize(BATCH_ROWS).build()) {
      long first = 0;
      while (batches.nextBatch()) {
        int count = batches.getRecordCount();
        requirePresent(batches.getLeafValidity(), first, count, name);
        ParquetColumn.Values values = column.values(batches);
        if (count > rows - first) {
          throw new DataException("column '%s' has more than %,d rows".formatted(name, rows));
        }
        for (int i = 0; i < count; i++) {
          double value = values.get(i);
          String problem = Table.problem(value, dtype);
          if (problem != null) {
            throw new DataException(
                "row %,d: %s in column '%s' %s".formatted(first + i + 1, value, name, problem));
          }
          into.set(first + i, selected, value);
        }
        first += count;
      }
      if (first != rows) {
        throw new DataException(
            "column '%s' ends after row %,d of %,d".formatted(name, first, rows));
      }
    } catch (DataException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new DataException("column '%s': %s".formatted(name, reason(e)), e);
    }
  }

  private static void requirePresent(Validity validity, long first, int count, String name) {
    if (validity.hasNulls()) {
      for (int i = 0; i < count; i++) {
        if (validity.isNull(i)) {
          throw new DataException(
              "row %,d: column '%s' has no value; remove the row or impute it"
                  .formatted(first + i + 1, name));
        }
      }
    }
  }

  /** What is done with an open file. */
  @FunctionalInterface
  private interface Use<T> {
    T with(ParquetFile file) throws IOException;
  }

  /** Whatever the library throws about a file is a complaint about the file. */
  private static <T> T opened(Path path, Use<T> use) {
    try (ParquetFile file = open(path)) {
      return use.with(file);
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new DataException("cannot read %s: %s".formatted(path, reason(e)), e);
    }
  }

  /** What the innermost cause says: outer ones say that a page or a column failed. */
  private static String reason(Throwable e) {
    String said = e.getClass().getSimpleName();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause.getMessage() != null) {
        said = cause.getMessage();
      }
      if (cause instanceof DataException) {
        return said;
      }
    }
    return said;
  }

  @Override
  public void close() throws IOException {
    reader.close();
    input.close();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
