package dev.panagrad.data.file;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Texts of files. */
public final class Utf8 {
  private static final char REPLACEMENT = 0xFFFD;

  private Utf8() {}

  /** The text of these bytes without blanks around it; null if they are not UTF-8. */
  public static String text(byte[] bytes, int offset, int length) {
    String text = new String(bytes, offset, length, StandardCharsets.UTF_8);
    if (text.indexOf(REPLACEMENT) >= 0) {
      try {
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, offset, length));
      } catch (CharacterCodingException _) {
        return null;
      }
    }
    return text.strip();
  }
}
