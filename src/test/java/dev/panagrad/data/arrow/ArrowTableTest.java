package dev.panagrad.data.arrow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableFixtures;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files and streams of {@code make_arrow_tables.py}, plain and compressed. */
class ArrowTableTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "numbers.arrow",
        "numbers.arrows",
        "numbers-lz4.arrow",
        "numbers-zstd.arrows",
        "numbers.feather"
      })
  void numbers(String file) {
    try (Table table = TableFixtures.open(file)) {
      TableFixtures.assertNumbers(table);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kinds.arrow", "kinds.ipc"})
  void kindsOfNumbers(String file) {
    try (Table table = TableFixtures.open(file)) {
      double[][] found =
          TableFixtures.read(
              table, DType.F64, "i8", "i16", "u8", "u16", "u32", "u64", "f16", "date", "decimal",
              "wide", "a.b", "last");
      double[][] expected = {
        {-128, 127},
        {-32768, 32767},
        {0, 255},
        {0, 65535},
        {0, 4294967295.0},
        {0, 0x1p64},
        {1.5, -2.25},
        {1, 10957},
        {12.34, -0.05},
        {Double.parseDouble("12345678901234567890.5"), -1},
        {1.5, -2.25},
        {1.5, -2.25}
      };
      for (int c = 0; c < expected.length; c++) {
        assertArrayEquals(expected[c], found[c], "column " + c);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "missing, row 2: column 'missing' has no value",
        "infinite, row 2: Infinity in column 'infinite' is not finite",
        "large, row 1: 1.0E300 in column 'large' is beyond the range of f32",
        "text, column 'text' has type Utf8",
        "view, column 'view' has type Utf8View",
        "time, column 'time' has type Timestamp",
        "list, column 'list' is nested (List)",
        "struct, column 'struct' is nested (Struct_)",
        "dictionary, column 'dictionary' is encoded by a dictionary"
      })
  void refused(String column, String message) {
    try (Table table = TableFixtures.open("kinds.arrow")) {
      DataException e =
          assertThrows(
              DataException.class, () -> TableFixtures.read(table, DType.F32, "last", column));
      assertTrue(e.getMessage().contains("kinds.arrow: " + message), e.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "twice.arrow, column 'x' appears twice",
    "empty.arrow, it has no rows",
    "none.arrow, there is no such file",
    "folder.arrow, it is not a regular file",
    "csv.arrow, byte 0: a message of",
    "nothing.arrow, it has no schema",
    "cut.arrow, it does not end with ARROW1",
    "cut.arrows, and 36 are left",
    "footer.arrow, a footer of 2;147;483;647 bytes"
  })
  void notATable(String file, String message, @TempDir Path folder) throws IOException {
    Files.createDirectory(folder.resolve("folder.arrow"));
    Files.writeString(folder.resolve("csv.arrow"), "x,y\n1,2\n1,2\n");
    Files.writeString(folder.resolve("nothing.arrow"), "");
    byte[] whole = Files.readAllBytes(TableFixtures.FOLDER.resolve("tiny.arrow"));
    Files.write(folder.resolve("cut.arrow"), Arrays.copyOf(whole, 300));
    byte[] footer = whole.clone();
    Arrays.fill(footer, whole.length - 10, whole.length - 7, (byte) -1);
    footer[whole.length - 7] = Byte.MAX_VALUE;
    Files.write(folder.resolve("footer.arrow"), footer);
    byte[] stream = Files.readAllBytes(TableFixtures.FOLDER.resolve("tiny.arrows"));
    Files.write(folder.resolve("cut.arrows"), Arrays.copyOf(stream, 500));
    Path path = TableFixtures.FOLDER.resolve(file);
    if (!Files.exists(path)) {
      path = folder.resolve(file);
    }
    try (Table table = TableFile.open(path)) {
      DataException e = assertThrows(DataException.class, table::rows);
      assertTrue(e.getMessage().contains(file), e.getMessage());
      assertTrue(e.getMessage().contains(message.replace(';', ',')), e.getMessage());
    }
  }

  /** A stream may end without saying so. */
  @Test
  void streamWithoutEnd(@TempDir Path folder) throws IOException {
    byte[] stream = Files.readAllBytes(TableFixtures.FOLDER.resolve("tiny.arrows"));
    Path file =
        Files.write(folder.resolve("open.arrows"), Arrays.copyOf(stream, stream.length - 8));
    try (Table table = TableFile.open(file)) {
      assertEquals(12, table.rows());
      assertEquals(11, TableFixtures.read(table, DType.F32, "y")[0][11]);
    }
  }
}
