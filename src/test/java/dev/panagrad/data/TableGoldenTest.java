package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that NumPy, safetensors and scikit-learn wrote, whole and damaged. */
class TableGoldenTest {
  /** Flips of each byte. */
  private static final int FLIPS = Boolean.getBoolean("panagrad.test.slow") ? 8 : 1;

  @TempDir private Path folder;

  private static JsonNode expected() throws IOException {
    return new ObjectMapper().readTree(TableCells.resource("expected.json").toFile());
  }

  static Stream<String> names() throws IOException {
    return expected().properties().stream().map(Map.Entry::getKey);
  }

  @Test
  void allAreThere() throws IOException {
    assertTrue(names().count() > 30);
  }

  @ParameterizedTest
  @MethodSource("names")
  void cells(String name) throws IOException {
    JsonNode file = expected().get(name);
    List<String> columns = new ArrayList<>();
    file.get("columns").forEach(c -> columns.add(c.textValue()));
    try (Table table = TableFile.open(TableCells.resource(name))) {
      assertEquals(columns, table.columns());
      assertEquals(file.get("rows").size(), table.rows());
      assertEquals(!columns.getFirst().equals("1"), table.hasNames());
      double[][] cells = TableCells.of(table);
      for (int row = 0; row < cells.length; row++) {
        double[] wanted = new double[columns.size()];
        for (int c = 0; c < wanted.length; c++) {
          wanted[c] = file.get("rows").get(row).get(c).doubleValue();
        }
        assertArrayEquals(wanted, cells[row], "row " + row);
      }
      // Some of the columns, in another order, by a second reading.
      int last = columns.size() - 1;
      double[][] some = TableCells.of(table, last == 0 ? new int[] {0} : new int[] {last, 0});
      for (int row = 0; row < some.length; row++) {
        assertEquals(cells[row][last], some[row][0]);
        assertEquals(cells[row][0], some[row][some[row].length - 1]);
      }
    }
  }

  /** A file cut short anywhere is refused, a text perhaps read with fewer rows. */
  @ParameterizedTest
  @MethodSource("names")
  void cutShort(String name) throws IOException {
    Path cut = Files.copy(TableCells.resource(name), folder.resolve(name));
    try (FileChannel channel = FileChannel.open(cut, StandardOpenOption.WRITE)) {
      for (long length = channel.size() - 1; length >= 0; length--) {
        channel.truncate(length);
        if (name.endsWith("svm")) {
          TableCells.requireTableOrRefusal(cut);
        } else {
          TableCells.refusal(cut);
        }
      }
    }
  }

  /** With flipped bits a file is a table or refused, never anything else. */
  @ParameterizedTest
  @MethodSource("names")
  void flipped(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(TableCells.resource(name));
    Path damaged = Files.write(folder.resolve(name), bytes);
    SplittableRandom random = new SplittableRandom(name.hashCode());
    // In its place: a file written anew each time would be on the disk each time.
    try (FileChannel channel = FileChannel.open(damaged, StandardOpenOption.WRITE)) {
      for (int i = 0; i < bytes.length; i++) {
        for (int flip = 0; flip < FLIPS; flip++) {
          int bit = FLIPS == 1 ? random.nextInt(Byte.SIZE) : flip;
          channel.write(ByteBuffer.wrap(new byte[] {(byte) (bytes[i] ^ (1 << bit))}), i);
          TableCells.requireTableOrRefusal(damaged);
        }
        channel.write(ByteBuffer.wrap(bytes, i, 1), i);
      }
    }
  }
}
