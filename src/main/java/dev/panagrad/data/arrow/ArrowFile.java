package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.data.file.PandasIndex;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flatbuf.BodyCompression;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.RecordBatch;

/** A mapped Arrow file, in terms of the library that reads what describes its columns. */
public final class ArrowFile implements LibraryTable.Opened {
  private final Arena arena = Arena.ofConfined();
  private final ArrowMessages messages;
  private final ArrowLayout layout;
  private final long rows;
  private final Map<Long, ArrowDictionary> dictionaries = new HashMap<>();

  /** Maps a file; its dates are numbers as the options say. */
  public static LibraryTable.Opened open(Path path, TableOptions options) throws IOException {
    return new ArrowFile(path, options);
  }

  private ArrowFile(Path path, TableOptions options) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      messages =
          ArrowMessages.of(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
      layout = ArrowLayout.of(messages.schema, messages.version, options);
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
  public String notNumbers(int column) {
    return layout.columns.get(column).notNumbers();
  }

  @Override
  public String pandas() {
    for (int i = 0; i < messages.schema.customMetadataLength(); i++) {
      KeyValue entry = messages.schema.customMetadata(i);
      if (PandasIndex.KEY.equals(entry.key())) {
        return entry.value();
      }
    }
    return null;
  }

  @Override
  public void check(int column) {
    for (ArrowMessages.Batch batch : messages.batches) {
      rows(batch, 0).check(column);
    }
    ArrowColumn.Dictionary dictionary = layout.columns.get(column).dictionary();
    if (dictionary != null) {
      for (ArrowMessages.Batch part : parts(dictionary)) {
        entries(part, dictionary, 0).check(0);
      }
    }
  }

  @Override
  public void read(int[] columns, Table.Values into) throws IOException {
    long first = 0;
    for (ArrowMessages.Batch batch : messages.batches) {
      Rows batchRows = rows(batch, first);
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

  private Rows rows(ArrowMessages.Batch batch, long first) {
    return new Rows(batch, layout.columns, layout.places(batch.header()), first);
  }

  private List<ArrowMessages.Batch> parts(ArrowColumn.Dictionary dictionary) {
    List<ArrowMessages.Batch> parts = messages.dictionaries.get(dictionary.id());
    String name = dictionary.entries().name();
    if (parts == null) {
      throw new DataException("the dictionary of column '%s' is not there".formatted(name));
    }
    if (messages.replaced.contains(dictionary.id())) {
      throw new DataException(
          "the dictionary of column '%s' is replaced between its rows, which is not read; write the column without a dictionary"
              .formatted(name));
    }
    return parts;
  }

  /** The entries of a part of a dictionary, as rows of one column. */
  private Rows entries(ArrowMessages.Batch part, ArrowColumn.Dictionary dictionary, long first) {
    RecordBatch header = part.header();
    int buffers = dictionary.entries().bits() == 0 ? 0 : dictionary.entries().isText() ? 3 : 2;
    if (header == null || header.nodesLength() != 1 || header.buffersLength() != buffers) {
      throw new DataException(
          "byte %,d: a dictionary that is not of column '%s'"
              .formatted(part.at(), dictionary.entries().name()));
    }
    List<ArrowLayout.Place> places = List.of(new ArrowLayout.Place(0, 0));
    return new Rows(part, List.of(dictionary.entries()), places, first);
  }

  private ArrowDictionary loaded(ArrowColumn.Dictionary dictionary) throws IOException {
    ArrowDictionary loaded = dictionaries.get(dictionary.id());
    if (loaded == null) {
      loaded = new ArrowDictionary(messages.heap);
      for (ArrowMessages.Batch part : parts(dictionary)) {
        entries(part, dictionary, loaded.size()).read(0, 0, loaded);
      }
      dictionaries.put(dictionary.id(), loaded);
    }
    return loaded;
  }

  /** The rows of a batch. */
  private final class Rows {
    private final ArrowMessages.Batch batch;
    private final RecordBatch header;
    private final List<ArrowColumn> columns;
    private final List<ArrowLayout.Place> places;
    private final long first;

    Rows(
        ArrowMessages.Batch batch,
        List<ArrowColumn> columns,
        List<ArrowLayout.Place> places,
        long first) {
      this.batch = batch;
      this.header = batch.header();
      this.columns = columns;
      this.places = places;
      this.first = first;
    }

    void read(int index, int selected, Table.Values into) throws IOException {
      ArrowColumn column = columns.get(index);
      try (ValidityBits validity = validity(index)) {
        if (column.dictionary() != null) {
          entries(index, validity, selected, into);
        } else if (column.isText()) {
          texts(index, validity, selected, into);
        } else if (column.bits() == 0) {
          for (long row = 0; row < header.length(); row++) {
            into.missing(first + row, selected);
          }
        } else if (validity == ValidityBits.ALL) {
          buffer(index, 1, column.bits(), header.length())
              .forEach(
                  column.bits(),
                  (values, i, row) ->
                      into.number(first + row, selected, column.values().get(values, i)));
        } else {
          buffer(index, 1, column.bits(), header.length())
              .forEach(
                  column.bits(),
                  (values, i, row) -> {
                    if (validity.next()) {
                      into.number(first + row, selected, column.values().get(values, i));
                    } else {
                      into.missing(first + row, selected);
                    }
                  });
        }
      }
    }

    private void entries(int index, ValidityBits validity, int selected, Table.Values into)
        throws IOException {
      ArrowColumn column = columns.get(index);
      ArrowDictionary dictionary = loaded(column.dictionary());
      buffer(index, 1, column.bits(), header.length())
          .forEach(
              column.bits(),
              (values, i, row) -> {
                if (validity.next()) {
                  dictionary.hand(column.values().get(values, i), first + row, selected, into);
                } else {
                  into.missing(first + row, selected);
                }
              });
    }

    private void texts(int index, ValidityBits validity, int selected, Table.Values into)
        throws IOException {
      ArrowColumn column = columns.get(index);
      if (header.length() == 0) {
        return;
      }
      try (TextBytes texts = new TextBytes(buffer(index, 2, Byte.SIZE, 0).unpacked())) {
        buffer(index, 1, column.bits(), header.length() + 1)
            .forEach(
                column.bits(),
                (offsets, i, place) -> {
                  long end = (long) column.values().get(offsets, i);
                  if (place == 0) {
                    texts.begin(end);
                    return;
                  }
                  long row = first + place - 1;
                  String text = texts.next(end, row, column.name());
                  if (!validity.next() || text.isEmpty()) {
                    into.missing(row, selected);
                  } else {
                    into.text(row, selected, text);
                  }
                });
      }
    }

    /** Which rows have values. */
    private ValidityBits validity(int index) throws IOException {
      ArrowLayout.Place place = places.get(index);
      return columns.get(index).bits() == 0
              || header.nodes(place.node()).nullCount() == 0
              || header.buffers(place.buffer()).length() == 0
          ? ValidityBits.ALL
          : new ValidityBits(buffer(index, 0, 1, header.length()).unpacked());
    }

    /** Requires that the buffers of a column have as many values as there are rows. */
    void check(int index) {
      ArrowColumn column = columns.get(index);
      FieldNode node = header.nodes(places.get(index).node());
      if (node.length() != header.length()) {
        throw new DataException(
            "byte %,d: column '%s' has %,d rows in a batch of %,d"
                .formatted(batch.at(), column.name(), node.length(), header.length()));
      }
      // Texts have an end more than there are rows, but none at all if there are none.
      int more = column.isText() && header.length() > 0 ? 1 : 0;
      if (column.bits() > 0) {
        buffer(index, 1, column.bits(), header.length() + more);
      }
    }

    /** A buffer of a column, by its number from 0, for that many values of so many bits. */
    private ArrowBuffer buffer(int column, int number, int bits, long count) {
      String name = columns.get(column).name();
      Buffer buffer = header.buffers(places.get(column).buffer() + number);
      long body = batch.body().byteSize();
      if (buffer.offset() < 0 || buffer.length() < 0 || buffer.offset() > body - buffer.length()) {
        throw new DataException(
            "byte %,d: column '%s' has %,d bytes from byte %,d of a body of %,d"
                .formatted(batch.at(), name, buffer.length(), buffer.offset(), body));
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
            "byte %,d: column '%s': %s".formatted(batch.at(), name, e.getMessage()), e);
      }
    }
  }
}
