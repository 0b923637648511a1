package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * Reads the JSON of headers piece by piece: objects, lists, strings and counts, which is all that
 * there is in them. It asks for what comes next, so nothing is nested deeper than the caller goes.
 * Memory: the bytes, which are used up, and what is returned, together at most {@link #mostBytes}.
 * Escapes are resolved in place.
 *
 * <p>Source: RFC 8259; numbers are restricted to those of 63 bits without sign, fraction and
 * exponent, and halves of surrogate pairs are refused.
 */
final class JsonScanner {
  static class MalformedException extends IOException {
    private static final long serialVersionUID = 1;
    final int at; // index of the byte

    MalformedException(int at, String problem) {
      super(problem);
      this.at = at;
    }
  }

  /** The text may be well formed, and takes more memory than it may. */
  static final class TooLargeException extends MalformedException {
    private static final long serialVersionUID = 1;

    TooLargeException(int at) {
      super(
          at,
          "the header and what is read from it may take a quarter of the heap, %,d bytes, and take more; start java with a larger heap (-Xmx)"
              .formatted(mostBytes()));
    }
  }

  // What a string, and a number in its list, takes beside its characters.
  private static final int STRING_BYTES = 60;
  private static final int NUMBER_BYTES = 24;
  // Copies of other than Latin letters while they are decoded, of 1, 2 and 1 times their bytes.
  private static final int DECODING = 4;
  private static final int CHUNK = 8192; // characters that are looked at together
  private final byte[] text;
  private int position;
  private long left; // bytes of memory

  /** At the start of a text, which is used up; throws if it is not UTF-8. */
  JsonScanner(byte[] text) throws MalformedException {
    this.text = text;
    left = mostBytes();
    take(text.length);
    requireUtf8();
  }

  /** What a text and what is read from it may take: a quarter of the heap, for data needs more. */
  static long mostBytes() {
    return Runtime.getRuntime().maxMemory() / 4;
  }

  private void take(long bytes) throws TooLargeException {
    left -= bytes;
    if (left < 0) {
      throw new TooLargeException(position);
    }
  }

  private void requireUtf8() throws MalformedException {
    ByteBuffer bytes = ByteBuffer.wrap(text);
    CharBuffer chars = CharBuffer.allocate(CHUNK);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      chars.clear();
      result = decoder.decode(bytes, chars, true);
    }
    if (result.isError()) {
      throw new MalformedException(bytes.position(), "not UTF-8");
    }
  }

  int position() {
    return position;
  }

  private void skipBlanks() {
    while (position < text.length && " \t\n\r".indexOf(text[position]) >= 0) {
      position++;
    }
  }

  private boolean take(char expected) {
    if (position < text.length && text[position] == expected) {
      position++;
      return true;
    }
    return false;
  }

  void expect(char expected, String what) throws MalformedException {
    skipBlanks();
    if (!take(expected)) {
      throw unexpected("'" + expected + "'", what);
    }
  }

  /** True if another element follows; takes the comma before it, or the bracket at the end. */
  boolean hasNext(char close, boolean first, String what) throws MalformedException {
    skipBlanks();
    if (take(close)) {
      return false;
    }
    if (!first && !take(',')) {
      throw unexpected("',' or '" + close + "'", what);
    }
    return true;
  }

  long count(String what) throws MalformedException {
    skipBlanks();
    int from = position;
    long value = 0;
    while (position < text.length && text[position] >= '0' && text[position] <= '9') {
      int digit = text[position] - '0';
      if (value > (Long.MAX_VALUE - digit) / 10) {
        throw new MalformedException(from, what + " has a number of more than 63 bits");
      }
      value = value * 10 + digit;
      position++;
    }
    if (position == from || (position < text.length && ".eE".indexOf(text[position]) >= 0)) {
      throw unexpected("a whole number that is not negative", what);
    }
    if (text[from] == '0' && position - from > 1) {
      throw new MalformedException(from, what + " has a number that begins with 0");
    }
    take(NUMBER_BYTES);
    return value;
  }

  String string(String what) throws MalformedException {
    expect('"', what);
    int from = position;
    int end = from;
    while (true) {
      if (position == text.length) {
        throw new MalformedException(position, what + ": the text ends within a string");
      }
      byte next = text[position];
      if (next == '"') {
        position++;
        take(STRING_BYTES + (long) (end - from) * (isAscii(from, end) ? 1 : DECODING));
        return new String(text, from, end - from, StandardCharsets.UTF_8);
      }
      if (next >= 0 && next < ' ') {
        throw new MalformedException(position, what + " has a control character in a string");
      }
      if (next == '\\') {
        end = escape(end, what);
      } else {
        text[end++] = next;
        position++;
      }
    }
  }

  private boolean isAscii(int from, int end) {
    int all = 0;
    for (int i = from; i < end; i++) {
      all |= text[i];
    }
    return all >= 0;
  }

  /** Resolves an escape, which is never shorter than what it stands for. */
  private int escape(int to, String what) throws MalformedException {
    int at = position;
    position++;
    char kind = position < text.length ? (char) (text[position] & 0xFF) : ' ';
    position++;
    int point =
        switch (kind) {
          case '"', '\\', '/' -> kind;
          case 'b' -> '\b';
          case 'f' -> '\f';
          case 'n' -> '\n';
          case 'r' -> '\r';
          case 't' -> '\t';
          case 'u' -> hexadecimal(at, what);
          default -> throw new MalformedException(at, what + " has an unknown escape");
        };
    if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
      char low = 0;
      if (take('\\') && take('u')) {
        low = hexadecimal(at, what);
      }
      if (!Character.isSurrogatePair((char) point, low)) {
        throw new MalformedException(at, what + " has half of a surrogate pair");
      }
      point = Character.toCodePoint((char) point, low);
    }
    return encode(point, to);
  }

  /** Puts UTF-8 there, without an allocation for each escape: lead byte, then six bits a byte. */
  private int encode(int point, int to) {
    if (point < 0x80) {
      text[to] = (byte) point;
      return to + 1;
    }
    int following = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    int lead = (0xF80 >> following) & 0xFF;
    text[to] = (byte) (lead | (point >> (6 * following)));
    for (int i = 1; i <= following; i++) {
      text[to + i] = (byte) (0x80 | ((point >> (6 * (following - i))) & 0x3F));
    }
    return to + following + 1;
  }

  private char hexadecimal(int at, String what) throws MalformedException {
    int value = 0;
    for (int end = position + 4; position < end; position++) {
      if (position >= text.length || !HexFormat.isHexDigit(text[position])) {
        throw new MalformedException(at, what + " has an escape without four digits");
      }
      value = (value << 4) | HexFormat.fromHexDigit(text[position]);
    }
    return (char) value;
  }

  void end(String what) throws MalformedException {
    for (; position < text.length; position++) {
      if (text[position] != ' ') {
        throw new MalformedException(position, "after " + what + " there are only blanks");
      }
    }
  }

  private MalformedException unexpected(String expected, String what) {
    String found =
        position >= text.length
            ? "the end"
            : text[position] > ' ' && text[position] < 0x7F
                ? "'" + (char) text[position] + "'"
                : "the byte 0x%02x".formatted(text[position]);
    return new MalformedException(
        position, "%s: found %s where %s is needed".formatted(what, found, expected));
  }
}
