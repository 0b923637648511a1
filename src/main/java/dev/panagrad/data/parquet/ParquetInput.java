package dev.panagrad.data.parquet;

import dev.hardwood.InputFile;
import dev.panagrad.data.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A Parquet file as its reader is given it: the bytes of the columns where they are, mapped, and
 * behind them the footer that {@link ParquetFooter} copied.
 *
 * <pre>
 *   file    | PAR1 | pages of columns ... | footer | footer length : I32 | PAR1 |
 *   reader  | PAR1 | pages of columns ... | copied footer | its length   | PAR1 |
 * </pre>
 */
final class ParquetInput implements InputFile {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ENCRYPTED = "PARE".getBytes(StandardCharsets.US_ASCII);
  private static final int TAIL_BYTES = 8; // footer length and magic
  private final InputFile file;
  long columnsEnd; // the byte after the last that may belong to a column
  String pandas; // what pandas noted of its table, or null
  private ByteBuffer tail;

  ParquetInput(InputFile file) {
    this.file = file;
  }

  /** Opens the file and copies its footer; throws if it is no Parquet file, or encrypted. */
  @Override
  public void open() throws IOException {
    if (tail != null) {
      return;
    }
    file.open();
    long size = file.length();
    if (size < MAGIC.length + TAIL_BYTES || !file.readRange(0, MAGIC.length).equals(magic(MAGIC))) {
      throw new DataException("it does not begin with PAR1, as Parquet files do");
    }
    ByteBuffer end = file.readRange(size - TAIL_BYTES, TAIL_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer mark = end.slice(Integer.BYTES, MAGIC.length);
    if (mark.equals(magic(ENCRYPTED))) {
      throw new DataException("it is encrypted, which is not read");
    }
    if (!mark.equals(magic(MAGIC))) {
      throw new DataException("it does not end with PAR1; it is no Parquet file, or was cut short");
    }
    long length = end.getInt(0) & 0xFFFF_FFFFL;
    columnsEnd = size - TAIL_BYTES - length;
    if (columnsEnd < MAGIC.length) {
      throw new DataException(
          "byte %,d: the footer is said to have %,d bytes, and the file has %,d"
              .formatted(size - TAIL_BYTES, length, size));
    }
    try {
      ParquetFooter read = ParquetFooter.read(file.readRange(columnsEnd, (int) length));
      byte[] footer = read.copy();
      pandas = read.pandas();
      tail =
          ByteBuffer.allocate(footer.length + TAIL_BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .put(footer)
              .putInt(footer.length)
              .put(MAGIC)
              .flip();
    } catch (ThriftReader.MalformedException e) {
      throw new DataException(
          "the footer, from byte %,d, is not what the format says: %s"
              .formatted(columnsEnd, e.getMessage()),
          e);
    }
  }

  private static ByteBuffer magic(byte[] bytes) {
    return ByteBuffer.wrap(bytes);
  }

  @Override
  public ByteBuffer readRange(long offset, int length) throws IOException {
    if (offset >= columnsEnd && offset <= length() - length && length >= 0) {
      return tail.slice((int) (offset - columnsEnd), length);
    }
    if (offset < 0 || length < 0 || offset > columnsEnd - length) {
      throw new IOException(
          "bytes [%d, %d + %d) are not inside the columns, which end at byte %d"
              .formatted(offset, offset, length, columnsEnd));
    }
    return file.readRange(offset, length);
  }

  @Override
  public long length() {
    return columnsEnd + tail.limit();
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
