package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import java.util.HexFormat;
import java.util.function.BiFunction;

/** Reads Python literals one by one: strings, booleans, extents, and the punctuation between. */
final class PythonText {
  private static final int END = -1;
  private static final int MAX_DIGITS = 18; // 2^63 - 1 has 19
  private final String text;
  private final BiFunction<Integer, String, DataException> failure;
  private int at;

  PythonText(String text, BiFunction<Integer, String, DataException> failure) {
    this.text = text;
    this.failure = failure;
  }

  /** Position of the next character that is no blank. */
  int position() {
    while (at < text.length() && isBlank(text.charAt(at))) {
      at++;
    }
    return at;
  }

  String before(int position) {
    return text.substring(0, Math.min(position, text.length()));
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
  }

  /** The next character that is no blank, which stays there; -1 at the end. */
  int next() {
    return position() < text.length() ? text.charAt(at) : END;
  }

  boolean accept(char c) {
    boolean found = next() == c;
    at += found ? 1 : 0;
    return found;
  }

  void expect(char c) {
    if (!accept(c)) {
      throw unexpected("'" + c + "'");
    }
  }

  void expectEnd() {
    if (next() != END) {
      throw unexpected("the end");
    }
  }

  /** Takes what is between commas, up to a bracket; true if there is a comma before that. */
  boolean list(char close, Runnable element) {
    boolean comma = false;
    while (!accept(close)) {
      element.run();
      comma = accept(',');
      if (!comma) {
        expect(close);
        return false;
      }
    }
    return comma;
  }

  private DataException unexpected(String wanted) {
    int c = next();
    String found =
        c == END ? "the end" : c > ' ' && c < 0x7F ? "'" + (char) c + "'" : "\\x%02x".formatted(c);
    return failure.apply(
        at,
        "the header is not as the format has it: %s expected, %s found".formatted(wanted, found));
  }

  boolean bool() {
    position();
    for (String literal : new String[] {"True", "False"}) {
      if (text.startsWith(literal, at)) {
        at += literal.length();
        return literal.equals("True");
      }
    }
    throw unexpected("True or False");
  }

  /** An integer that is not negative; Python 2 may have written an L after it. */
  long extent() {
    int start = position();
    if (next() == '-') {
      throw failure.apply(start, "the shape has a negative extent");
    }
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (at == start) {
      throw unexpected("an integer");
    }
    if (at - start > MAX_DIGITS) {
      throw failure.apply(start, "the shape has an extent of %d digits".formatted(at - start));
    }
    long extent = Long.parseLong(text, start, at, 10);
    if (at < text.length() && text.charAt(at) == 'L') {
      at++;
    }
    return extent;
  }

  /** A string in quotes. It becomes part of messages: control characters are refused. */
  String string() {
    int quote = next();
    if (quote != '\'' && quote != '"') {
      throw unexpected("a string");
    }
    int start = at++;
    StringBuilder value = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == quote) {
        if (value.chars().anyMatch(Character::isISOControl)) {
          throw failure.apply(start, "a string has a control character");
        }
        return value.toString();
      }
      if (c == '\\') {
        escape(value);
      } else {
        value.append(c);
      }
    }
    throw failure.apply(start, "a string has no end");
  }

  private void escape(StringBuilder value) {
    int start = at - 1;
    char c = at < text.length() ? text.charAt(at++) : '\n';
    switch (c) {
      case '\\', '\'', '"' -> value.append(c);
      case 'n', 'r', 't' -> throw failure.apply(start, "a string has a control character");
      case 'x' -> value.appendCodePoint(hexadecimal(start, 2));
      case 'u' -> value.appendCodePoint(hexadecimal(start, 4));
      case 'U' -> value.appendCodePoint(hexadecimal(start, 8));
      default -> throw failure.apply(start, "a string has an escape that is not known");
    }
  }

  private int hexadecimal(int start, int digits) {
    int end = Math.min(at + digits, text.length());
    String code = text.substring(at, end);
    if (code.length() < digits || !code.chars().allMatch(HexFormat::isHexDigit)) {
      throw failure.apply(start, "a string has an escape that is not known");
    }
    at = end;
    int point = HexFormat.fromHexDigits(code);
    if (!Character.isValidCodePoint(point) || (point >= 0xD800 && point <= 0xDFFF)) {
      throw failure.apply(start, "a string has an escape that is no character");
    }
    return point;
  }
}
