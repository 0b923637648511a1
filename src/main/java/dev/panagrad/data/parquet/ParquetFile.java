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
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntToDoubleFunction;

/** An open Parquet file, in terms of the library that reads it. */
public final class ParquetFile implements LibraryTable.Opened {
  // Large enough to spread what a batch costs, small enough for three of a column at a time.
  private static final int BATCH_ROWS = 1 << 15;

  private final ParquetInput input;
  private final ParquetFileReader reader;
  private final List<ParquetColumn> columns = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final long rows;
  // Names inside of nested columns: the library reads those where it is asked for a flat one.
  private final Set<String> nestedNames = new HashSet<>();

  private ParquetFile(ParquetInput input, ParquetFileReader reader) {
    this.input = input;
    this.reader = reader;
    FileSchema schema = reader.getFileSchema();
    for (SchemaNode node : schema.getRootNode().children()) {
      ColumnSchema leaf =
          node instanceof SchemaNode.PrimitiveNode primitive
              ? schema.getColumn(primitive.columnIndex())
              : null;
      names.add(ParquetFooter.name(node.name()));
      columns.add(ParquetColumn.of(node, leaf));
    }
    for (ColumnSchema leaf : schema.getColumns()) {
      if (leaf.fieldPath().elements().size() > 1) {
        nestedNames.add(ParquetFooter.name(leaf.name()));
      }
    }
    rows = countRows();
  }

  public static LibraryTable.Opened open(Path path) throws IOException {
    ParquetInput input = new ParquetInput(InputFile.of(path));
    input.open();
    ParquetFileReader reader = ParquetFileReader.open(input);
    try {
      return new ParquetFile(input, reader);
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
  public void check(int column) throws IOException {
    // By a leaf's name alone, and even by its index, hardwood-core (1.0.1) takes the first one.
    if (nestedNames.contains(names.get(column))) {
      throw new DataException(
          "column '%s' has the name of a field inside of a nested column, which cannot be told apart here; rename one, or write the file without the nested column"
              .formatted(names.get(column)));
    }
    ParquetPages.check(input, reader.getFileMetaData().rowGroups(), columns.get(column).schema());
  }

  @Override
  public void read(int[] selected, Table.Cells into) {
    for (int i = 0; i < selected.length; i++) {
      read(selected[i], i, into);
    }
  }

  private void read(int index, int selected, Table.Cells into) {
    ParquetColumn column = columns.get(index);
    String name = names.get(index);
    try (ColumnReader batches =
        reader.buildColumnReader(column.schema().columnIndex()).batchSize(BATCH_ROWS).build()) {
      long first = 0;
      while (batches.nextBatch()) {
        int count = batches.getRecordCount();
        Validity validity = batches.getLeafValidity();
        for (int i = 0; validity.hasNulls() && i < count; i++) {
          if (validity.isNull(i)) {
            throw LibraryTable.missing(first + i, name);
          }
        }
        IntToDoubleFunction values = column.values(batches);
        if (count > rows - first) {
          throw new DataException("column '%s' has more than %,d rows".formatted(name, rows));
        }
        for (int i = 0; i < count; i++) {
          into.set(first + i, selected, values.applyAsDouble(i));
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
      throw new DataException("column '%s': %s".formatted(name, LibraryTable.reason(e)), e);
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
    input.close();
  }
}
