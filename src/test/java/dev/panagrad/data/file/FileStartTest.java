package dev.panagrad.data.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.DataException;
import dev.panagrad.data.FileFormat;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableCells;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableFixtures;
import dev.panagrad.data.TableOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What files are by their first bytes, whatever they are called. */
class FileStartTest {
  private static final String CSV = "a,y\n1,2\n3,4\n5,7\n";
  private static final double[][] ROWS = {{1, 2}, {3, 4}, {5, 7}};

  @TempDir private Path folder;

  private static byte[] packed(Packing packing, String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out =
        switch (packing) {
          case NONE -> bytes;
          case GZIP -> new GZIPOutputStream(bytes);
          case BZIP2 -> new BZip2CompressorOutputStream(bytes);
          case ZSTD -> new ZstdOutputStream(bytes);
        }) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static double[][] cells(Path file) {
    try (Table table = TableFile.open(file)) {
      return TableCells.of(table);
    }
  }

  private String refusal(String name, byte[] content) {
    return TableCells.refusal(TableCells.write(folder.resolve(name), content));
  }

  @ParameterizedTest
  @EnumSource(Packing.class)
  void compressed(Packing packing) throws IOException {
    byte[] csv = packed(packing, CSV);
    for (String name : List.of("a.csv.gz", "a.csv.zst", "b.csv", "c")) {
      assertArrayEquals(ROWS, cells(Files.write(folder.resolve(name), csv)), name);
    }
    for (String name : List.of("a.svm.gz", "heart_scale")) {
      Path file = Files.write(folder.resolve(name), packed(packing, "-1 1:0.5 2:1\n+1 2:3 # c\n"));
      assertArrayEquals(new double[][] {{-1, 0.5, 1}, {1, 0, 3}}, cells(file), name);
    }
    TableOptions quiet = TableOptions.DEFAULT;
    try (Table table = TableFile.read("piped", new ByteArrayInputStream(csv), csv.length, quiet)) {
      assertArrayEquals(ROWS, TableCells.of(table));
      assertArrayEquals(ROWS, TableCells.of(table));
    }
    DataException e =
        assertThrows(
            DataException.class,
            () -> TableFile.read("piped", new ByteArrayInputStream(csv), csv.length - 1, quiet));
    assertTrue(e.getMessage().startsWith("piped: more than"), e.getMessage());
  }

  /** Every cut of a compressed file is refused, and says so. */
  @ParameterizedTest
  @EnumSource(value = Packing.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void cut(Packing packing) throws IOException {
    byte[] csv = packed(packing, CSV.repeat(3).replace("a,y\n", "1,2\n"));
    for (int length = 4; length < csv.length; length++) {
      refusal("cut.csv.gz", Arrays.copyOf(csv, length));
    }
  }

  @ParameterizedTest
  @CsvSource({"tiny.parquet,x", "tiny.arrow,x", "tiny.arrows,x", "numbers.feather,i32"})
  void underAnotherName(String file, String column) throws IOException {
    Path other = Files.copy(TableFixtures.FOLDER.resolve(file), folder.resolve("other.csv"));
    try (Table table = TableFile.open(other)) {
      assertEquals(column, table.columns().getFirst());
    }
    byte[] packed = Files.readAllBytes(other);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(packed);
    }
    assertTrue(refusal("x.parquet.gz", bytes.toByteArray()).contains("compressed by gzip"));
    DataException e =
        assertThrows(
            DataException.class,
            () ->
                TableFile.read(
                    "piped", new ByteArrayInputStream(packed), 1 << 20, TableOptions.DEFAULT));
    assertTrue(e.getMessage().contains("not read from front to back"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FEA1xxxx | Feather file of version 1",
        "PAREabcd | encrypted Parquet",
        "\u00fd7zXZ\0x | xz -d",
        "'\4\"M\30abc' | lz4 -d",
        "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0[Content_Types].xml | Excel workbook",
        "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0a.csv | zip archive",
        "ORC | ORC file",
        "\u0080\4\u0095abc | pickle",
        "\u00ff\u00fea\0,\0b | UTF-16",
        "a,b\0c | its byte 3 is 0"
      })
  void namedAndNotRead(String content, String message) {
    for (String name : List.of("a.csv", "b", "c.xlsx")) {
      byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
      String refusal = refusal(name, bytes);
      assertTrue(refusal.contains(message), refusal);
    }
  }

  @Test
  void feather1AndTar() {
    String message = TableCells.refusal(TableFixtures.FOLDER.resolve("v1.feather"));
    assertTrue(message.contains("Feather file of version 1"), message);
    byte[] tar = new byte[512];
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
    assertTrue(refusal("x", tar).contains("tar archive"));
  }

  /** Times are no pairs, and a name or a date is no label. */
  @ParameterizedTest
  @ValueSource(strings = {"1 2", "2020-01-01 10:30", "a 1:2", "1,5 1:2", "1 1:2:3", "1\n1 1:2", ""})
  void textsThatAreNotSparse(String text) {
    assertEquals(
        null, FileStart.format("x", text.getBytes(StandardCharsets.UTF_8), text.length()), text);
  }

  @Test
  void whatIsAskedForCounts() throws IOException {
    Path file = Files.writeString(folder.resolve("x.svm"), "1 1:2\n3 1:4\n");
    TableOptions csv =
        new TableOptions(
            FileFormat.CSV, CsvDialect.DETECTED, null, note -> {}, TableOptions.Setting::toString);
    try (Table table = TableFile.open(file, csv)) {
      assertEquals(List.of("1 1:2"), table.columns());
    }
    for (FileFormat format : FileFormat.values()) {
      assertEquals(format, FileFormat.named(format.toString()));
      assertEquals(format, FileFormat.ofEnding(Path.of("a." + format)));
      assertEquals(
          format, FileFormat.ofEnding(Path.of(("A." + format + ".gz").toUpperCase(Locale.ROOT))));
    }
    assertEquals(null, FileFormat.ofEnding(Path.of("csv")));
    assertEquals(null, FileFormat.ofEnding(Path.of("a.xls")));
  }
}
