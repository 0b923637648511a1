package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.file.LibraryTable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.arrow.flatbuf.BodyCompression;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;

/** A mapped Arrow file, in terms of the library that reads what describes its columns. */
public final class ArrowFile implements LibraryTable.Opened {
  private final Arena arena = Arena.ofConfined();
  private final ArrowMessages messages;
  private final ArrowLayout layout;
  private final long rows;

  public static LibraryTable.Opened open(Path path) throws IOException {
    return new ArrowFile(path);
  }

  private ArrowFile(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      messages =
          ArrowMessages.of(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
      layout = ArrowLayout.of(messages.schema, messages.version);
      long sum = 0;
      for (ArrowMessages.Batch batch : messages.batches) {
        long length = batch.header().length();
        if (length < 0 || length > Long.MAX_VALUE - sum) {
          throw new DataException("byte %,d: a batch of %,d rows".formatted(batch.at(), length));
        }
        sum += length;
      }
      rows = sum;
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  @Override
  public List<String> columns() {
    return layout.columns.stream().map(ArrowColumn::name).toList();
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public String refusal(int column) {
    return layout.columns.get(column).refusal();
  }

  @Override
  public void check(int column) {
    for (ArrowMessages.Batch batch : messages.batches) {
      new Rows(batch, 0).values(column);
    }
  }

  @Override
  public void read(int[] columns, Table.Cells into) throws IOException {
    long first = 0;
    for (ArrowMessages.Batch batch : messages.batches) {
      Rows batchRows = new Rows(batch, first);
      for (int i = 0; i < columns.length; i++) {
        batchRows.read(columns[i], i, into);
      }
      first += batchRows.header.length();
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  /** The rows of a batch. */
  private final class Rows {
    private final ArrowMessages.Batch batch;
    private final RecordBatch header;
    private final List<ArrowLayout.Place> places;
    private final long first;

    Rows(ArrowMessages.Batch batch, long first) {
      this.batch = batch;
      this.header = batch.header();
      this.places = layout.places(header);
      this.first = first;
    }

    void read(int index, int selected, Table.Cells into) throws IOException {
      ArrowColumn column = layout.columns.get(index);
      ArrowLayout.Place place = places.get(index);
      if (header.nodes(place.node()).nullCount() != 0
          && header.buffers(place.buffer()).length() > 0) {
        buffer(column, place.buffer(), 1)
            .forEach(
                1,
                (valid, i, row) -> {
                  if (ArrowColumn.bit(valid, i) == 0) {
                    throw LibraryTable.missing(first + row, column.name());
                  }
                });
      }
      values(index)
          .forEach(
              column.bits(),
              (values, i, row) -> into.set(first + row, selected, column.values().get(values, i)));
    }

    /** The values of a column, as many as there are rows. */
    ArrowBuffer values(int index) {
      ArrowColumn column = layout.columns.get(index);
      ArrowLayout.Place place = places.get(index);
      FieldNode node = header.nodes(place.node());
      if (node.length() != header.length()) {
        throw new DataException(
            "byte %,d: column '%s' has %,d rows in a batch of %,d"
                .formatted(batch.at(), column.name(), node.length(), header.length()));
      }
      return buffer(column, place.buffer() + 1, column.bits());
    }

    private ArrowBuffer buffer(ArrowColumn column, int index, int bits) {
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
            header.length());
      } catch (DataException e) {
        throw new DataException(
            "byte %,d: column '%s': %s".formatted(batch.at(), column.name(), e.getMessage()), e);
      }
    }
  }
}
