package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.FileFormat;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableOptions;
import dev.panagrad.data.TableOptions.Setting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/** What a file is, by its first bytes: contents count, and the ending of a name only after them. */
public final class FileStart {
  /** As many bytes as are looked at. */
  public static final int BYTES = 4096;

  private static final int ZIP_NAME = 30; // where the name of a zip archive's first entry begins
  private static final int TAR_MARK = 257;

  /** A format that is not read: how its files begin, what they are, and what to do. */
  private record Other(String magic, String what, String remedy) {}

  private static final List<Other> OTHERS =
      List.of(
          new Other(
              "FEA1",
              "a Feather file of version 1",
              "write it in version 2, with pyarrow.feather.write_feather"),
          new Other("PARE", "an encrypted Parquet file", "write it without encryption"),
          new Other("\u00fd7zXZ\0", "compressed by xz", "decompress it first, with xz -d"),
          new Other("\4\"M\30", "compressed by lz4", "decompress it first, with lz4 -d"),
          new Other("7z\u00bc\u00af", "a 7z archive", "unpack it first"),
          new Other("\u00d0\u00cf\21\u00e0", "an old Excel workbook", "save its sheet as CSV"),
          new Other("ORC", "an ORC file", "write it as Parquet"),
          new Other("Obj\1", "an Avro file", "write it as Parquet"),
          new Other("SQLite format 3\0", "an SQLite database", "export its table as CSV"),
          new Other("\u0089HDF\r\n", "an HDF5 file", "write its arrays with numpy.savez"),
          new Other("\u0080\4\u0095", "a pickle, which can run code", "write Parquet or CSV"),
          new Other("\u0080\5\u0095", "a pickle, which can run code", "write Parquet or CSV"),
          new Other("RDX3\n", "a workspace of R", "write it with write.csv"));

  // A number, and a pair of an index and a number, as LIBSVM's lines begin.
  private static final Pattern SPARSE_LINE =
      Pattern.compile(
          "[ \\t]*[-+]?[0-9.]+([eE][-+]?[0-9]+)?[ \\t]+(qid:[0-9]+[ \\t]+)?[0-9]+:[-+]?[0-9.]+([eE][-+]?[0-9]+)?([ \\t\\r#]|$)");

  private FileStart() {}

  /** The first bytes of a stream, which is closed, at most {@value #BYTES}. */
  public static byte[] read(Table.Source source) throws IOException {
    try (InputStream in = source.open()) {
      return in.readNBytes(BYTES);
    }
  }

  private static boolean begins(byte[] start, int... magic) {
    for (int i = 0; i < magic.length; i++) {
      if (i >= start.length || (start[i] & 0xFF) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  static boolean begins(byte[] start, String magic) {
    return begins(start, magic.chars().toArray());
  }

  /**
   * The format of a file that begins so; null if its bytes do not say.
   *
   * @param name for messages
   * @param size of the file in bytes
   * @throws DataException with what it is, and what to do, if it is known and not read
   */
  public static FileFormat format(String name, byte[] start, long size) {
    for (Other other : OTHERS) {
      if (begins(start, other.magic)) {
        throw notRead(name, other.what, other.remedy);
      }
    }
    if (begins(start, "PK\3\4")) {
      return zip(name, start);
    }
    if (start.length > TAR_MARK + 5
        && new String(start, TAR_MARK, 5, StandardCharsets.US_ASCII).equals("ustar")) {
      throw notRead(name, "a tar archive", "unpack it, and name the files in it");
    }
    if (begins(start, "PAR1")) {
      return FileFormat.PARQUET;
    }
    if (begins(start, "ARROW1") || (begins(start, 0xFF, 0xFF, 0xFF, 0xFF) && start.length > 8)) {
      return FileFormat.ARROW;
    }
    if (begins(start, "\u0093NUMPY")) {
      return FileFormat.NPY;
    }
    if (start.length > 8 && start[8] == '{') {
      long header = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (header > 1 && header <= size - Long.BYTES) {
        return FileFormat.SAFETENSORS;
      }
    }
    String text = new String(start, StandardCharsets.ISO_8859_1);
    boolean isSparse =
        text.lines()
            .filter(line -> !line.isBlank() && line.stripLeading().charAt(0) != '#')
            .limit(1)
            .anyMatch(line -> SPARSE_LINE.matcher(line).lookingAt());
    return isSparse ? FileFormat.LIBSVM : null;
  }

  private static FileFormat zip(String name, byte[] start) {
    if (start.length < ZIP_NAME) {
      return null;
    }
    int length = (start[26] & 0xFF) | (start[27] & 0xFF) << 8;
    String entry =
        new String(
            start,
            ZIP_NAME,
            Math.min(length, start.length - ZIP_NAME),
            StandardCharsets.ISO_8859_1);
    if (entry.matches("(\\[Content_Types]\\.xml|_rels/|docProps/|xl/).*")) {
      throw notRead(name, "an Excel workbook", "save its sheet as CSV");
    }
    return entry.endsWith(".npy") ? FileFormat.NPZ : null;
  }

  /** True for a zip archive, which is not read unless it is one of arrays. */
  public static boolean isZip(byte[] start) {
    return begins(start, "PK\3\4");
  }

  /** Requires that a file which is neither known by its bytes nor by its name can be a text. */
  public static void requireText(String name, byte[] start, TableOptions options) {
    String charset = options.names().apply(Setting.CHARSET);
    if (isZip(start)) {
      throw notRead(name, "a zip archive", "unpack it, and name the files in it");
    }
    if (begins(start, 0xFF, 0xFE) || begins(start, 0xFE, 0xFF)) {
      throw notRead(name, "a text in UTF-16", "write it as UTF-8, or name UTF-16 by " + charset);
    }
    for (int i = 0; i < start.length; i++) {
      if (start[i] == 0) {
        throw new DataException(
            "%s is no text, for its byte %,d is 0, and none of the formats that are read; if it is a text, name its character set by %s"
                .formatted(name, i, charset));
      }
    }
  }

  private static DataException notRead(String name, String what, String remedy) {
    return new DataException("%s is %s, which is not read; %s".formatted(name, what, remedy));
  }
}
