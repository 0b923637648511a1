package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.ChildJvm;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** True descriptions of more columns than a JVM of 64 MiB holds end in a sentence. */
class LargeFootersTest {
  private static final int MANY = 200_000;

  @TempDir private Path folder;

  @Test
  void smallHeap() throws IOException, InterruptedException {
    for (int columns : new int[] {1_000, MANY}) {
      Files.write(folder.resolve(columns + ".parquet"), parquet(columns));
      Files.write(folder.resolve(columns + ".arrows"), arrow(columns));
    }
    String found = ChildJvm.output(Opened.class, "-Xmx64m", "-Dfolder=" + folder);
    Map<String, String> lines = new TreeMap<>();
    found.lines().forEach(line -> lines.put(line.replaceAll(" .*", ""), line));
    for (String format : new String[] {".parquet", ".arrows"}) {
      String many = lines.get(MANY + format);
      assertTrue(many.contains("DataException: cannot read "), found);
      assertTrue(many.contains("half of the heap") && many.endsWith("heap (-Xmx)"), found);
      // Fewer are read as far as to the rows, of which there are none.
      assertTrue(lines.get(1_000 + format).endsWith("it has no rows"), found);
    }
  }

  /** Opens what is in the folder. */
  static final class Opened {
    private Opened() {}

    public static void main(String[] args) {
      Path folder = Path.of(System.getProperty("folder"));
      for (String format : new String[] {".parquet", ".arrows"}) {
        for (int columns : new int[] {1_000, MANY}) {
          String name = columns + format;
          try (Table table = TableFile.open(folder.resolve(name))) {
            System.out.println(name + " " + table.rows() + " rows");
          } catch (DataException | OutOfMemoryError e) {
            System.out.println(name + " " + e.getClass().getSimpleName() + ": " + e.getMessage());
          }
        }
      }
    }
  }

  private static byte[] arrow(int columns) {
    ArrowType type = new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
    return new Schema(
            IntStream.range(0, columns).mapToObj(i -> Field.notNullable(name(i), type)).toList())
        .serializeAsMessage();
  }

  private static String name(int column) {
    return "column%07d".formatted(column);
  }

  /** The footer of a row group of no rows, in Thrift's compact protocol. */
  private static byte[] parquet(int columns) throws IOException {
    Thrift out = new Thrift();
    out.write("PAR1".getBytes(StandardCharsets.US_ASCII));
    out.bytes(0x15, 2, 0x19, 0xFC); // version 1, schema: a list of structs
    out.varint(columns + 1);
    out.bytes(0x48).text("schema").bytes(0x15).varint(2L * columns).bytes(0);
    for (int i = 0; i < columns; i++) {
      // Double, required, name.
      out.bytes(0x15, 10, 0x25, 0, 0x18).text(name(i)).bytes(0);
    }
    // No rows, a list of one row group, in it a list of column chunks.
    out.bytes(0x16, 0, 0x19, 0x1C, 0x19, 0xFC).varint(columns);
    for (int i = 0; i < columns; i++) {
      // Offset; type, encodings, path.
      out.bytes(0x26, 8, 0x1C, 0x15, 10, 0x19, 0x15, 0, 0x19, 0x18).text(name(i));
      // Codec, values, sizes, offset of the page.
      out.bytes(0x15, 0, 0x16, 0, 0x16, 0, 0x16, 0, 0x26, 8, 0, 0);
    }
    out.bytes(0x16, 0, 0x16, 0, 0, 0);
    ByteBuffer tail = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    tail.putInt(out.size() - 4).put("PAR1".getBytes(StandardCharsets.US_ASCII));
    out.write(tail.array());
    return out.toByteArray();
  }

  private static final class Thrift extends ByteArrayOutputStream {
    Thrift bytes(int... bytes) {
      for (int b : bytes) {
        write(b);
      }
      return this;
    }

    Thrift varint(long value) {
      for (long rest = value; ; rest >>>= 7) {
        if (rest < 0x80) {
          return bytes((int) rest);
        }
        write((int) (rest & 0x7F) | 0x80);
      }
    }

    Thrift text(String text) throws IOException {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      varint(bytes.length);
      write(bytes);
      return this;
    }
  }
}
