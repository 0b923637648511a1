package dev.panagrad.data.csv;

import dev.panagrad.data.file.DecimalBytes;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The lines of a CSV file that begin in a range of its bytes, without quotes: counted eight bytes
 * at a time, or parsed as numbers. Threading: one thread at a time.
 */
final class PlainPiece {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long LOW_BITS = 0x0101_0101_0101_0101L;
  private static final long HIGH_BITS = 0x8080_8080_8080_8080L;
  private static final int SLACK = DecimalBytes.SLACK; // for the last word, and a line's end
  private static final int MORE_BYTES = 1 << 16;
  // A longer line is left to the parser of records, which refuses it.
  private static final int MOST_BYTES =
      (int) Math.min(1 << 26, Runtime.getRuntime().maxMemory() / 16);

  private final DecimalBytes numbers = new DecimalBytes();
  private final byte separator;
  private final int columns;
  private byte[] bytes = {};
  private long position; // of the first byte in the file
  private int first; // where the first line begins
  private int end; // behind the last line, where there is a line end
  private boolean isTooLong;
  private int rows;
  private int[] starts = {}; // of each row, once it was parsed
  private double[] values = {};
  private final BitSet others = new BitSet(); // cells that are no numbers
  private int at; // the byte after the cell that was parsed last

  PlainPiece(char separator, int columns) {
    this.separator = (byte) separator;
    this.columns = columns;
  }

  /**
   * Reads the lines that begin in {@code [from, to)}; the bytes before {@code from} belong to other
   * lines unless it is where the first line begins.
   */
  void load(FileChannel file, long from, long to, boolean isFirst) throws IOException {
    position = isFirst ? from : from - 1;
    int length = (int) (to - position);
    if (bytes.length < length + SLACK) {
      bytes = new byte[length + SLACK];
    }
    int size = fill(file, 0, length);
    first = isFirst ? 0 : after(0, size);
    isTooLong = false;
    if (first >= length) {
      end = first; // the line that began before goes on
      return;
    }
    // The last line ends at the first line end from the last byte on.
    int look = Math.max(length - 1, 0);
    int behind = after(look, size);
    while (behind > size && size == length) {
      if (length > MOST_BYTES) {
        isTooLong = true;
        break;
      }
      look = size;
      length += Math.max(MORE_BYTES, length / 2);
      bytes = Arrays.copyOf(bytes, length + SLACK);
      size = fill(file, size, length);
      behind = after(look, size);
    }
    end = Math.min(behind, size + 1);
    if (behind > size) {
      // A file that does not end with a line end.
      end = size > first && bytes[size - 1] != '\n' ? size + 1 : size;
      bytes[size] = '\n';
    }
  }

  /** Reads up to a length; returns how many bytes are there. */
  private int fill(FileChannel file, int done, int length) throws IOException {
    ByteBuffer into = ByteBuffer.wrap(bytes, done, length - done);
    while (into.hasRemaining() && file.read(into, position + into.position()) >= 0) {
      // until it is full, or the file ends
    }
    return into.position();
  }

  /** The byte after the next line end; beyond the size where there is none. */
  private int after(int from, int size) {
    int i = from;
    while (i < size && bytes[i] != '\n') {
      i++;
    }
    return i + 1;
  }

  /** The high bit of each byte that is the same in both. */
  private static long equal(long word, long pattern) {
    long different = word ^ pattern;
    return ~(((different & ~HIGH_BITS) + ~HIGH_BITS) | different) & HIGH_BITS;
  }

  /**
   * How many lines are rows; -1 if any has other than ASCII characters, a quote, a carriage return
   * inside, or another number of fields. Blank lines are none.
   */
  int count() {
    long separators = LOW_BITS * separator;
    long seen = 0;
    int found = 0;
    int fields = 1;
    int start = first;
    int returns = 0; // those in lines less those at their ends
    for (int i = first; i < end; i += Long.BYTES) {
      long word = (long) LONG.get(bytes, i) & bytes(end - i);
      long apart = equal(word, separators);
      long ends = equal(word, LOW_BITS * '\n');
      seen |= (word & HIGH_BITS) | equal(word, LOW_BITS * '"');
      returns += Long.bitCount(equal(word, LOW_BITS * '\r'));
      for (; ends != 0; ends &= ends - 1) {
        long before = (ends & -ends) - 1;
        fields += Long.bitCount(apart & before);
        apart &= ~before;
        int stop = i + (Long.numberOfTrailingZeros(ends) >>> 3);
        int kind = line(start, stop, fields);
        returns -= kind >> 1;
        found += kind & 1;
        seen |= kind < 0 ? 1 : 0;
        start = stop + 1;
        fields = 1;
      }
      fields += Long.bitCount(apart);
    }
    rows = seen == 0 && returns == 0 && !isTooLong ? found : -1;
    return rows;
  }

  /** The mask of a word's first bytes. */
  private static long bytes(int count) {
    return count < Long.BYTES ? (1L << (Byte.SIZE * count)) - 1 : -1;
  }

  /** 1 for a row, 2 for a carriage return at its end, together; negative if fields do not fit. */
  private int line(int start, int stop, int fields) {
    int returned = stop > start && bytes[stop - 1] == '\r' ? 1 : 0;
    if (stop - returned == start) {
      return 2 * returned;
    }
    return fields == columns ? 2 * returned + 1 : Integer.MIN_VALUE;
  }

  /**
   * Parses the numbers of counted rows.
   *
   * @param slots of each column up to the last one wanted: its place in a row of values, or -1
   * @param width of a row of values
   */
  void parse(int[] slots, int width) {
    if (values.length < (long) rows * width) {
      values = new double[Math.multiplyExact(rows, width)];
    }
    if (starts.length < rows) {
      starts = new int[rows];
    }
    others.clear();
    int row = 0;
    for (int start = first; start < end; row++) {
      while (start < end && isBlank(start)) {
        start = after(start, end);
      }
      if (start >= end) {
        break;
      }
      starts[row] = start;
      at = start;
      for (int slot : slots) {
        if (slot < 0) {
          skip();
        } else {
          values[row * width + slot] = number(row * width + slot);
        }
      }
      start = after(at - 1, end);
    }
  }

  private boolean isBlank(int start) {
    return bytes[start] == '\n' || (bytes[start] == '\r' && bytes[start + 1] == '\n');
  }

  /** Goes behind the end of a cell. */
  private void skip() {
    int i = at;
    while (bytes[i] != separator && bytes[i] != '\n') {
      i++;
    }
    at = i + 1;
  }

  private boolean isGap(byte b) {
    return (b == ' ' || b == '\t' || b == '\r') && b != separator;
  }

  /** The number in the next cell; marks that cell if it is none in the usual form. */
  private double number(int cell) {
    byte[] b = bytes;
    int i = at;
    while (isGap(b[i])) {
      i++;
    }
    double value = numbers.parse(b, i);
    boolean isNumber = numbers.end() >= 0;
    i = Math.max(i, numbers.end());
    while (isGap(b[i])) {
      i++;
    }
    isNumber &= b[i] == separator || b[i] == '\n';
    at = i + 1;
    if (!isNumber) {
      at = i;
      skip();
      others.set(cell);
      return Double.NaN;
    }
    return value;
  }

  int rows() {
    return rows;
  }

  /** The numbers, row after row. */
  double[] values() {
    return values;
  }

  /**
   * The first cell from one on that is no number in the usual form, so that its {@link #text}
   * tells; a large number if there is none.
   */
  int nextOther(int cell) {
    int next = others.nextSetBit(cell);
    return next < 0 ? Integer.MAX_VALUE : next;
  }

  /** The byte of the file with which a row begins. */
  long position(int row) {
    return position + starts[row];
  }

  /** A cell of a row as it is written. */
  String text(int row, int column) {
    at = starts[row];
    for (int c = 0; c < column; c++) {
      skip();
    }
    int begin = at;
    skip();
    int length = at - 1 - begin;
    boolean isReturned = length > 0 && bytes[at - 1] == '\n' && bytes[at - 2] == '\r';
    return new String(bytes, begin, isReturned ? length - 1 : length, StandardCharsets.US_ASCII);
  }
}
