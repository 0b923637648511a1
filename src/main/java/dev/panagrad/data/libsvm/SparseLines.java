package dev.panagrad.data.libsvm;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.DecimalBytes;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.Utf8;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads lines {@code label [qid:integer] index:value ... [# anything]}, word by word, so that a
 * line of any length takes no memory.
 */
final class SparseLines implements AutoCloseable {
  private static final int MAX_WORD = 512; // no number has this many characters
  private static final int SHOWN_CHARACTERS = 40;
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final byte[] QUERY = {'q', 'i', 'd', ':'};
  private static final byte[] MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private final String name;
  private final InputStream in;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int next;
  private int filled;
  private final byte[] word = new byte[MAX_WORD + DecimalBytes.SLACK];
  private final DecimalBytes numbers = new DecimalBytes();
  private int length;
  private int colon;
  private long line; // number of the line, from 1; blank lines and comments count
  private boolean atEndOfLine = true;
  private boolean pending;
  String label; // of the line
  int index; // of the pair, from 1

  /** Takes over the stream; a byte order mark at its begin is skipped. */
  SparseLines(String name, InputStream in) throws IOException {
    this.name = name;
    this.in = in;
    filled = in.readNBytes(buffer, 0, MARK.length);
    if (filled == MARK.length && Arrays.equals(buffer, 0, filled, MARK, 0, filled)) {
      next = filled;
    }
  }

  /** Goes to the next line that has a label; false if there is none. */
  boolean nextLine() throws IOException {
    while (!atEndOfLine) {
      nextPair();
    }
    do {
      if (peek() < 0) {
        return false;
      }
      line++;
      atEndOfLine = false;
    } while (!nextWord());
    if (colon >= 0) {
      throw wrong(
          "the line begins with '%s', and a label is missing before it"
              .formatted(shown(0, length)));
    }
    label = text(0);
    index = 0;
    pending = nextWord();
    if (pending && length >= QUERY.length && Arrays.mismatch(word, QUERY) == QUERY.length) {
      requireDigits(QUERY.length, "a query number");
      pending = nextWord();
    }
    return true;
  }

  /** Goes to the next pair of the line; false if there is none. */
  boolean nextPair() throws IOException {
    if (!pending && !nextWord()) {
      return false;
    }
    pending = false;
    if (colon < 0) {
      throw wrong("'%s' is no pair index:value".formatted(shown(0, length)));
    }
    int found = parsedIndex();
    if (found <= index) {
      throw wrong(
          found == 0
              ? "index 0, and indices count from 1; this file seems to count from 0: write it with 1 added to each (scikit-learn: dump_svmlight_file(..., zero_based=False))"
              : "index %d comes after index %d; indices of a line ascend".formatted(found, index));
    }
    if (colon + 1 == length) {
      throw wrong("index %d has no value".formatted(found));
    }
    index = found;
    return true;
  }

  /** The value of the pair if it is a number, and no name of one; else NaN. */
  double number() {
    word[length] = ' ';
    double number = numbers.parse(word, colon + 1);
    return numbers.end() == length ? number : Double.NaN;
  }

  /** The value of the pair, as it is written. */
  String value() {
    return text(colon + 1);
  }

  private int parsedIndex() {
    requireDigits(0, "an index");
    long parsed = 0;
    for (int i = 0; i < colon && parsed <= NumberedColumns.MAX_COLUMNS; i++) {
      parsed = parsed * 10 + word[i] - '0';
    }
    // One column is the label's.
    if (parsed >= NumberedColumns.MAX_COLUMNS) {
      throw wrong(
          "index %s is beyond what is read: at most %,d features"
              .formatted(shown(0, colon), NumberedColumns.MAX_COLUMNS - 1));
    }
    return (int) parsed;
  }

  /** Requires that a word has digits from there to its colon, or to its end after it. */
  private void requireDigits(int from, String what) {
    int to = from > colon ? length : colon;
    for (int i = from; i < to; i++) {
      if (word[i] < '0' || word[i] > '9') {
        throw wrong("'%s' is not %s".formatted(shown(from, to), what));
      }
    }
    if (from == to) {
      throw wrong("'%s' has not %s".formatted(shown(0, length), what));
    }
  }

  /** Goes to the next word of the line; false after the last, and then the line has been left. */
  private boolean nextWord() throws IOException {
    length = 0;
    colon = -1;
    if (atEndOfLine) {
      return false;
    }
    int c = peek();
    while (isBlank(c)) {
      next++;
      c = peek();
    }
    if (c == '#') {
      while (c >= 0 && c != '\n') {
        next++;
        c = peek();
      }
    }
    if (c < 0 || c == '\n') {
      next += c < 0 ? 0 : 1;
      atEndOfLine = true;
      return false;
    }
    do {
      copyWord();
    } while (next == filled && peek() >= 0);
    return true;
  }

  /** Goes on with a word to its end, or to that of the buffer. */
  private void copyWord() {
    int at = next;
    int n = length;
    for (; at < filled; at++) {
      byte b = buffer[at];
      if (b <= '#' && (b == '\n' || b == '#' || isBlank(b))) {
        break;
      }
      if (n == MAX_WORD) {
        throw wrong("'%s' is no label and no pair".formatted(shown(0, n)));
      }
      if (b == ':' && colon < 0) {
        colon = n;
      }
      word[n++] = b;
    }
    next = at;
    length = n;
  }

  private static boolean isBlank(int c) {
    return c == ' ' || c == '\t' || c == '\r';
  }

  /** The next byte, which stays there; -1 at the end. */
  private int peek() throws IOException {
    if (next == filled) {
      next = 0;
      filled = Math.max(0, in.read(buffer));
      if (filled == 0) {
        return -1;
      }
    }
    return Byte.toUnsignedInt(buffer[next]);
  }

  private String text(int from) {
    String text = Utf8.text(word, from, length - from);
    if (text == null) {
      throw wrong("'%s' is not UTF-8".formatted(shown(from, length)));
    }
    return text;
  }

  private String shown(int from, int to) {
    return shown(new String(word, from, to - from, StandardCharsets.ISO_8859_1));
  }

  /** A text that may be anything, for messages. */
  static String shown(String text) {
    String cut =
        text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
    return cut.replaceAll("[^ -~]", "?");
  }

  /** The file and the line. */
  String place() {
    return name + ":" + line;
  }

  private DataException wrong(String problem) {
    return new DataException(place() + ": " + problem);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
