package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.Utf8;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** The texts of a column in a batch, which lie one after the other, in order. */
final class TextBytes implements AutoCloseable {
  // What a text claims is allocated before its bytes are there.
  private static final int MAX_BYTES = 1 << 20;

  private final InputStream in;
  private byte[] bytes = new byte[64];
  private long at;

  TextBytes(InputStream in) {
    this.in = in;
  }

  /** Goes to the first text. */
  void begin(long offset) throws IOException {
    at = Math.max(0, offset);
    in.skipNBytes(at);
  }

  /** The text that ends there, without blanks around it. */
  String next(long end, long row, String column) throws IOException {
    long length = end - at;
    if (length < 0 || length > MAX_BYTES) {
      throw wrong(
          row, column, "a text of %,d bytes; at most %,d are read".formatted(length, MAX_BYTES));
    }
    if (length > bytes.length) {
      bytes = Arrays.copyOf(bytes, (int) Math.max(length, Math.min(MAX_BYTES, 2L * bytes.length)));
    }
    int found = in.readNBytes(bytes, 0, (int) length);
    if (found < length) {
      throw wrong(
          row, column, "a text of %,d bytes, of which %,d are there".formatted(length, found));
    }
    at = end;
    String text = Utf8.text(bytes, 0, found);
    if (text == null) {
      throw wrong(row, column, "its text is not UTF-8");
    }
    return text;
  }

  private static DataException wrong(long row, String column, String what) {
    return new DataException("row %,d, column '%s': %s".formatted(row + 1, column, what));
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
