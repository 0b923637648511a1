package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.arrow.flatbuf.BodyCompression;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;

/** A mapped Arrow file, in terms of the library that reads what describes its columns. */
final class ArrowFile {
  private final Path path;
  private final ArrowMessages messages;
  private final ArrowLayout columns;
  private final long rows;

  private ArrowFile(Path path, MemorySegment mapped) {
    this.path = path;
    messages = ArrowMessages.of(mapped);
    columns = ArrowLayout.of(messages.schema(), messages.version());
    long sum = 0;
    for (ArrowMessages.Batch batch : messages.batches()) {
      long length = batch.header().length();
      if (length < 0 || length > Long.MAX_VALUE - sum) {
        throw new DataException("byte %,d: a batch of %,d rows".formatted(batch.at(), length));
      }
      sum += length;
    }
    rows = sum;
  }

  /**
   * Names and rows of a file. One column, the first that can be read, has been found to have so
   * many.
   */
  static LibraryTable.Layout layout(Path path) {
    return opened(
        path,
        file -> {
          if (file.rows == 0) {
            throw new DataException("it has no rows");
          }
          LibraryTable.Layout layout = file.layout();
          int first = 0;
          while (first < layout.columns().size()
              && file.columns.columns().get(first).refusal() != null) {
            first++;
          }
          if (first == layout.columns().size()) {
            throw new DataException("none of its columns is one of numbers");
          }
          for (ArrowMessages.Batch batch : file.messages.batches()) {
            RecordBatch header = batch.header();
            file.data(batch, header, file.columns.places(header), first);
          }
          return layout;
        });
  }

  private LibraryTable.Layout layout() {
    return new LibraryTable.Layout(
        columns.columns().stream().map(ArrowColumn::name).toList(), rows);
  }

  /** Hands over the cells of these columns. */
  static void read(
      Path path, LibraryTable.Layout expected, int[] selected, DType dtype, Table.Cells into) {
    opened(
        path,
        file -> {
          if (!expected.equals(file.layout())) {
            throw new DataException("it changed while it was read");
          }
          for (int index : selected) {
            ArrowColumn column = file.columns.columns().get(index);
            if (column.refusal() != null) {
              throw new DataException("column '%s' %s".formatted(column.name(), column.refusal()));
            }
          }
          long first = 0;
          for (ArrowMessages.Batch batch : file.messages.batches()) {
            RecordBatch header = batch.header();
            List<ArrowLayout.Place> places = file.columns.places(header);
            for (int i = 0; i < selected.length; i++) {
              file.read(batch, header, places, selected[i], first, i, dtype, into);
            }
            first += header.length();
          }
          return null;
        });
  }

  private void read(
      ArrowMessages.Batch batch,
      RecordBatch header,
      List<ArrowLayout.Place> places,
      int index,
      long first,
      int selected,
      DType dtype,
      Table.Cells into)
      throws IOException {
    ArrowColumn column = columns.columns().get(index);
    requirePresent(batch, header, places.get(index), column, first);
    data(batch, header, places, index)
        .forEach(
            column.bits(),
            (values, i, row) -> {
              double value = column.values().get(values, i);
              String problem = Table.problem(value, dtype);
              if (problem != null) {
                throw new DataException(
                    "row %,d: %s in column '%s' %s"
                        .formatted(first + row + 1, value, column.name(), problem));
              }
              into.set(first + row, selected, value);
            });
  }

  private void requirePresent(
      ArrowMessages.Batch batch,
      RecordBatch header,
      ArrowLayout.Place place,
      ArrowColumn column,
      long first)
      throws IOException {
    if (header.nodes(place.node()).nullCount() == 0
        || header.buffers(place.buffer()).length() == 0) {
      return;
    }
    buffer(batch, header, place.buffer(), 1, header.length(), column)
        .forEach(
            1,
            (valid, i, row) -> {
              if (ArrowColumn.bit(valid, i) == 0) {
                throw new DataException(
                    "row %,d: column '%s' has no value; remove the row or impute it"
                        .formatted(first + row + 1, column.name()));
              }
            });
  }

  /** The values of a column in a batch, as many as it has rows. */
  private ArrowBuffer data(
      ArrowMessages.Batch batch, RecordBatch header, List<ArrowLayout.Place> places, int index) {
    ArrowColumn column = columns.columns().get(index);
    ArrowLayout.Place place = places.get(index);
    FieldNode node = header.nodes(place.node());
    if (node.length() != header.length()) {
      throw new DataException(
          "byte %,d: column '%s' has %,d rows in a batch of %,d"
              .formatted(batch.at(), column.name(), node.length(), header.length()));
    }
    return buffer(batch, header, place.buffer() + 1, column.bits(), header.length(), column);
  }

  private static ArrowBuffer buffer(
      ArrowMessages.Batch batch,
      RecordBatch header,
      int index,
      int bits,
      long count,
      ArrowColumn column) {
    Buffer buffer = header.buffers(index);
    long body = batch.body().byteSize();
    if (buffer.offset() < 0 || buffer.length() < 0 || buffer.offset() > body - buffer.length()) {
      throw new DataException(
          "byte %,d: column '%s' has %,d bytes from byte %,d of a body of %,d"
              .formatted(batch.at(), column.name(), buffer.length(), buffer.offset(), body));
    }
    BodyCompression compression = header.compression();
    try {
      return ArrowBuffer.of(
          batch.body().asSlice(buffer.offset(), buffer.length()),
          compression == null ? ArrowBuffer.PLAIN : compression.codec(),
          bits,
          count);
    } catch (DataException e) {
      throw new DataException(
          "byte %,d: column '%s': %s".formatted(batch.at(), column.name(), e.getMessage()), e);
    }
  }

  /** What is done with an open file. */
  @FunctionalInterface
  private interface Use<T> {
    T with(ArrowFile file) throws IOException;
  }

  /** Whatever the library throws about a file is a complaint about the file. */
  private static <T> T opened(Path path, Use<T> use) {
    try (Arena arena = Arena.ofConfined()) {
      if (!Files.isRegularFile(path)) {
        throw new DataException(
            Files.exists(path) ? "it is not a regular file" : "there is no such file");
      }
      MemorySegment mapped;
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      }
      return use.with(new ArrowFile(path, mapped));
    } catch (IOException | RuntimeException e) {
      String said = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new DataException("cannot read %s: %s".formatted(path, said), e);
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
