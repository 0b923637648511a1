package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.NumberedColumns;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Reads what is before the numbers of an array in the NumPy format, versions 1.0, 2.0 and 3.0. The
 * dictionary is parsed, never evaluated.
 *
 * <pre>
 *   0          6      7      8                  10 or 12
 *   | \x93NUMPY | major | minor | N: u16 (1.0),    | N bytes: a Python dict, then blanks | numbers
 *   |           |       |       | u32, little      | Latin-1, UTF-8 in 3.0               |
 * </pre>
 *
 * <p>Source: NumPy, {@code numpy.lib.format}.
 */
final class NpyHeader {
  // The longest header read: what version 1.0 can say, names for some thousand columns. NumPy
  // itself reads 10,000 bytes unless told otherwise.
  static final int MAX_BYTES = 64 * 1024;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  private final String name;
  private final InputStream in;
  private final long available;

  private NpyHeader(String name, InputStream in, long available) {
    this.name = name;
    this.in = in;
    this.available = available;
  }

  /** Reads a header, and requires that its numbers are exactly what follows of the bytes. */
  static NpyArray read(String name, InputStream in, long available) throws IOException {
    return new NpyHeader(name, in, available).read();
  }

  private NpyArray read() throws IOException {
    byte[] start = bytes(0, MAGIC.length + 2);
    for (int i = 0; i < MAGIC.length; i++) {
      if (start[i] != MAGIC[i]) {
        throw wrong(i, "it does not begin as an .npy file, with \\x93NUMPY");
      }
    }
    int major = start[MAGIC.length];
    int minor = start[MAGIC.length + 1];
    if (major < 1 || major > 3 || minor != 0) {
      throw wrong(
          MAGIC.length,
          "the format has version %d.%d; 1.0, 2.0 and 3.0 are read"
              .formatted(Byte.toUnsignedInt(start[6]), Byte.toUnsignedInt(start[7])));
    }
    int lengthBytes = major == 1 ? Short.BYTES : Integer.BYTES;
    ByteBuffer number =
        ByteBuffer.wrap(bytes(start.length, lengthBytes)).order(ByteOrder.LITTLE_ENDIAN);
    long length =
        major == 1
            ? Short.toUnsignedInt(number.getShort())
            : Integer.toUnsignedLong(number.getInt());
    int textStart = start.length + lengthBytes;
    if (length > MAX_BYTES || length > available - textStart) {
      throw wrong(
          start.length,
          "the header is said to have %,d bytes, and %,d are left; at most %,d are read"
              .formatted(length, available - textStart, MAX_BYTES));
    }
    byte[] text = bytes(textStart, (int) length);
    Charset charset = major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
    String decoded = decoded(text, charset, textStart);
    return array(
        new NpyDictionary(name, decoded, textStart, charset).parse(), textStart + text.length);
  }

  private byte[] bytes(long at, int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw wrong(
          at + bytes.length,
          "the header ends here, %,d bytes early".formatted(count - bytes.length));
    }
    return bytes;
  }

  private String decoded(byte[] text, Charset charset, int at) {
    try {
      return charset.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException e) {
      throw new DataException(
          "%s, byte %,d: the header is not %s".formatted(name, at, charset.name()), e);
    }
  }

  private NpyArray array(NpyDictionary dictionary, int dataStart) {
    List<Long> shape = dictionary.shape;
    String shown = NpyDictionary.shown(shape);
    if (shape.isEmpty() || shape.size() > (dictionary.isRecord ? 1 : 2)) {
      String of = dictionary.isRecord ? " of records" : "";
      String remedy = shape.isEmpty() ? "array.reshape(1)" : "array.reshape(len(array), -1)";
      throw new DataException(
          "%s: an array of shape %s%s is no table; save %s"
              .formatted(name, shown, of, dictionary.isRecord ? "array.ravel()" : remedy));
    }
    long rows = shape.getFirst();
    long columns = shape.size() == 1 ? 1 : shape.getLast();
    if (rows == 0 || columns == 0) {
      throw new DataException(
          "%s has no %s: its shape is %s".formatted(name, rows == 0 ? "rows" : "columns", shown));
    }
    if (columns > NumberedColumns.MAX_COLUMNS) {
      throw new DataException(
          "%s has %,d columns; at most %,d are read"
              .formatted(name, columns, NumberedColumns.MAX_COLUMNS));
    }
    long rowBytes = dictionary.itemBytes * columns;
    long left = available - dataStart;
    if (rows > left / rowBytes || rows * rowBytes != left) {
      boolean isBeyond = rows > Long.MAX_VALUE / rowBytes;
      String taken = isBeyond ? "more than 2^63 - 1" : "%,d".formatted(rows * rowBytes);
      String cut = "it was cut short or is no longer what was saved";
      String remedy = rows > left / rowBytes ? cut : "save one array in a file";
      throw wrong(
          dataStart,
          "shape %s of %s takes %s bytes, and %,d follow the header; %s"
              .formatted(shown, dictionary.descr, taken, left, remedy));
    }
    List<NpyArray.Column> elements = List.copyOf(dictionary.columns);
    if (dictionary.isRecord) {
      return new NpyArray(
          dataStart, left, rows, rowBytes, elements, elements.size(), 0, NpyArray.Kind.RECORDS);
    }
    long size = dictionary.itemBytes;
    boolean isVector = shape.size() == 1;
    boolean isFortran = !isVector && dictionary.fortranOrder;
    return new NpyArray(
        dataStart,
        left,
        rows,
        isFortran ? size : rowBytes,
        elements,
        (int) columns,
        isFortran ? rows * size : size,
        isVector ? NpyArray.Kind.VECTOR : NpyArray.Kind.MATRIX);
  }

  private DataException wrong(long at, String problem) {
    return new DataException("%s, byte %,d: %s".formatted(name, at, problem));
  }
}
