package dev.panagrad.data.parquet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableFixtures;
import dev.panagrad.data.TableReader;
import dev.panagrad.data.file.Decimals;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of {@code make_arrow_tables.py}: every compression, encoding and kind of page. */
class ParquetTableTest {
  @ParameterizedTest
  @ValueSource(strings = {"none", "snappy", "gzip", "zstd", "lz4", "v2", "v2-none", "crc", "split"})
  void numbers(String kind) {
    try (Table table = TableFixtures.open("numbers-" + kind + ".parquet")) {
      TableFixtures.assertNumbers(table);
    }
  }

  @Test
  void kindsOfNumbers() {
    try (Table table = TableFixtures.open("kinds.parquet")) {
      double[][] found =
          TableFixtures.read(
              table, DType.F64, "i8", "i16", "u8", "u16", "u32", "u64", "f16", "date", "decimal",
              "wide", "a.b");
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
        {1.5, -2.25}
      };
      for (int c = 0; c < expected.length; c++) {
        assertArrayEquals(expected[c], found[c], "column " + c);
      }
    }
    try (Table table = TableFixtures.open("decimals-as-integers.parquet")) {
      assertArrayEquals(
          new double[] {12.34, -0.05}, TableFixtures.read(table, DType.F64, "decimal")[0]);
    }
  }

  @Test
  void roundsOnce() {
    assertEquals(0x1p64, Decimals.unsigned(-1));
    assertEquals(0x1p63, Decimals.unsigned(Long.MIN_VALUE + 1024));
    assertEquals(0x1.0000000000001p63, Decimals.unsigned(Long.MIN_VALUE + 1025));
    assertEquals(1e-25, Decimals.nearest(1, 25));
    assertEquals(Double.parseDouble("900719925474099.3"), Decimals.nearest(9007199254740993L, 1));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "missing, row 2: column 'missing' has no value",
        "infinite, row 2: Infinity in column 'infinite' is not finite",
        "large, row 1: 1.0E300 in column 'large' is beyond the range of f32",
        "text, column 'text' has type String of BYTE_ARRAY",
        "time, column 'time' has type Timestamp of INT64",
        "list, column 'list' is nested",
        "struct, column 'struct' is nested"
      })
  void refused(String column, String message) {
    try (Table table = TableFixtures.open("kinds.parquet")) {
      DataException e =
          assertThrows(
              DataException.class, () -> TableFixtures.read(table, DType.F32, "last", column));
      assertTrue(e.getMessage().contains("kinds.parquet: " + message), e.getMessage());
    }
  }

  /** The large page takes more than a 32nd of the heap of this JVM, of 2 GiB at most. */
  @ParameterizedTest
  @CsvSource({
    "twice.parquet, column 'x' appears twice",
    "empty.parquet, it has no rows",
    "none.parquet, there is no such file",
    "folder.parquet, it is not a regular file",
    "csv.parquet, it does not begin with PAR1",
    "cut.parquet, it does not end with PAR1",
    "encrypted.parquet, it is encrypted",
    "large-page.parquet, a page of 8;000;000 values in",
    "footer.parquet, the footer is said to have 4;294;967;295 bytes"
  })
  void notATable(String file, String message, @TempDir Path folder) throws IOException {
    Files.createDirectory(folder.resolve("folder.parquet"));
    Files.writeString(folder.resolve("csv.parquet"), "x,y\n1,2\n1,2\n");
    byte[] whole = Files.readAllBytes(TableFixtures.FOLDER.resolve("tiny.parquet"));
    Files.write(folder.resolve("cut.parquet"), Arrays.copyOf(whole, 300));
    byte[] encrypted = whole.clone();
    encrypted[whole.length - 1] = 'E';
    Files.write(folder.resolve("encrypted.parquet"), encrypted);
    byte[] footer = whole.clone();
    Arrays.fill(footer, whole.length - 8, whole.length - 4, (byte) -1);
    Files.write(folder.resolve("footer.parquet"), footer);
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

  /** Compressions whose library is not there: the message names it. */
  @Test
  void noLibrary() {
    try (Table table = TableFixtures.open("numbers-brotli.parquet")) {
      DataException e =
          assertThrows(DataException.class, () -> TableFixtures.read(table, DType.F32, "i32"));
      assertTrue(e.getMessage().contains("com.aayushatharva.brotli4j:brotli4j"), e.getMessage());
    }
  }

  @Test
  void asDataset() {
    try (TensorArena arena = TensorArena.open("test");
        Table table = TableFixtures.open("numbers-snappy.parquet")) {
      Dataset data =
          TableReader.of(table)
              .targets(List.of("f64"))
              .features(List.of("i32", "flag"))
              .read(arena, DType.F32);
      assertEquals(TableFixtures.ROWS, data.rows());
      assertEquals((float) (999 / 7.0), data.y().get(999));
      assertEquals(3 * 999 - 500, data.x().get(999, 0));
      assertEquals(1, data.x().get(999, 1));
    }
  }

  /** The library would read the struct's field of that name, whose values are others. */
  @Test
  void aNameThatIsInsideOfAnotherColumnToo() {
    try (Table table = TableFixtures.open("nested-name.parquet")) {
      DataException e =
          assertThrows(DataException.class, () -> TableFixtures.read(table, DType.F64, "y", "b"));
      assertTrue(
          e.getMessage().contains("column 'b' has the name of a field inside of a nested column"),
          e.getMessage());
      assertArrayEquals(new double[] {2, 4, 6, 10}, TableFixtures.read(table, DType.F64, "y")[0]);
    }
  }
}
