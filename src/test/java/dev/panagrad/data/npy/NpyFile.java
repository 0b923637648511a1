package dev.panagrad.data.npy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Bytes of an array in the NumPy format, also of such as NumPy would not write. */
final class NpyFile {
  private NpyFile() {}

  /** Version 1.0: a dictionary, which may be any text, and the data. */
  static byte[] of(String dictionary, byte... data) {
    byte[] text = dictionary.getBytes(StandardCharsets.ISO_8859_1);
    return start(1, 0, text.length + data.length)
        .putShort((short) text.length)
        .put(text)
        .put(data)
        .array();
  }

  /** With a length of four bytes, whether that is true or not. */
  static byte[] ofLength(int major, int minor, int length, byte... after) {
    return start(major, minor, Short.BYTES + after.length).putInt(length).put(after).array();
  }

  private static ByteBuffer start(int major, int minor, int more) {
    return ByteBuffer.allocate(10 + more)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) major)
        .put((byte) minor);
  }

  /** The dictionary of an array, its type in Python's syntax. */
  static String dictionary(String descr, boolean fortran, String shape) {
    return String.format(
        Locale.ROOT,
        "{'descr': %s, 'fortran_order': %s, 'shape': %s, }",
        descr,
        fortran ? "True" : "False",
        shape);
  }

  /** A matrix of doubles, in C order. */
  static byte[] doubles(int columns, double... values) {
    ByteBuffer data =
        ByteBuffer.allocate(values.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      data.putDouble(value);
    }
    return of(
        padded(dictionary("'<f8'", false, "(" + values.length / columns + ", " + columns + ")")),
        data.array());
  }

  /** So that data is at a multiple of 64. */
  static String padded(String dictionary) {
    int length = (10 + dictionary.length() + 1 + 63) / 64 * 64 - 10;
    return dictionary + " ".repeat(length - dictionary.length() - 1) + "\n";
  }
}
