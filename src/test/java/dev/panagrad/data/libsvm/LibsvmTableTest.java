package dev.panagrad.data.libsvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableCells;
import dev.panagrad.tensor.DType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lines of a label and pairs, as dense rows, and the message for each line that is none. */
class LibsvmTableTest {
  @TempDir private Path folder;

  private Path file(String text) {
    return TableCells.write(folder.resolve("a.svm"), text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private LibsvmTable table(String text) {
    return LibsvmTable.file(file(text));
  }

  @Test
  void lines() {
    try (Table table =
        table(
            "# a comment, a blank line\n\n \t\n+1 1:0.5 3:-2e1 # 2:9\r\n-1 qid:17 2:+4\t \n"
                + "5e-1 qid:1#c\n\n7 0003:1")) {
      assertEquals(List.of("y", "1", "2", "3"), table.columns());
      assertTrue(table.hasNames());
      assertEquals(4, table.rows());
      assertArrayEquals(
          new double[][] {{1, 0.5, 0, -20}, {-1, 0, 4, 0}, {0.5, 0, 0, 0}, {7, 0, 0, 1}},
          TableCells.of(table));
      assertArrayEquals(
          new double[][] {{-20, 1, 0}, {0, -1, 4}, {0, 0.5, 0}, {1, 7, 0}},
          TableCells.of(table, 3, 0, 2));
      assertArrayEquals(new double[][] {{0.5}, {0}, {0}, {0}}, TableCells.of(table, 1));
    }
  }

  @Test
  void labelsAlone() {
    try (Table table = table("1\n2")) {
      assertEquals(List.of("y"), table.columns());
      assertArrayEquals(new double[][] {{1}, {2}}, TableCells.of(table));
    }
  }

  @Test
  void featuresThatTheLastRowsLack() {
    try (LibsvmTable table = table("1 2:3")) {
      assertEquals(List.of("y", "1", "2"), table.columns());
      assertEquals(List.of("y", "1", "2", "3"), table.withFeatures(3).columns());
      assertArrayEquals(new double[][] {{1, 0, 3, 0}}, TableCells.of(table));
      assertEquals(List.of("y", "1", "2"), table.withFeatures(1).columns());
      assertThrows(IllegalArgumentException.class, () -> table.withFeatures(-1));
      assertThrows(IllegalArgumentException.class, () -> table.withFeatures(1 << 20));
      assertEquals(1 << 20, table.withFeatures((1 << 20) - 1).columns().size());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "1 0:1 1:2 | 1: index 0, and indices count from 1; this file seems to count from 0",
        "1 1:1;2 2:1 1:2 | 2: index 1 comes after index 2; indices of a line ascend",
        "1 3:1 3:2 | 1: index 3 comes after index 3",
        "1;;# c;2 x | 4: 'x' is no pair index:value",
        "1:2 3:4 | 1: the line begins with '1:2', and a label is missing before it",
        "1 : | 1: ':' has not an index",
        "1 :2 | 1: ':2' has not an index",
        "1 -1:2 | 1: '-1' is not an index",
        "1 1.5:2 | 1: '1.5' is not an index",
        "1 2: | 1: index 2 has no value",
        "1 2: 3 | 1: index 2 has no value",
        "1 qid:x 1:2 | 1: 'x' is not a query number",
        "1 qid: 1:2 | 1: 'qid:' has not a query number",
        "1 1:2 qid:1 | 1: 'qid' is not an index",
        "1,2 1:2 | 1: '1,2' in column 'y' is not a number",
        "a 1:2 | 1: 'a' in column 'y' is not a number",
        "1 1:2:3 | 1: '2:3' in column '1' is not a number",
        "1 1:2;1 1:nan | 2: 'nan' in column '1' is not finite; remove the row or impute it",
        "1f 1:2 | 1: '1f' in column 'y' is not a number",
        "1 1:2d | 1: '2d' in column '1' is not a number",
        "1 1:0x1p3 | 1: '0x1p3' in column '1' is not a number",
        "1 1:NaN | 1: 'NaN' in column '1' is not finite; remove the row or impute it",
        "Infinity 1:2 | 1: 'Infinity' in column 'y' is not finite",
        "1 1048576:1 | 1: index 1048576 is beyond what is read: at most 1,048,575 features",
        "1 99999999999999999999999999:1 | 1: index 99999999999999999999999999 is beyond",
        "# nothing; | has no rows",
      })
  void linesThatAreRefused(String lines, String reason) {
    Path file = file(lines.replace(';', '\n'));
    String message = TableCells.refusal(file);
    String expected = file + (reason.startsWith("has") ? " " : ":") + reason;
    assertTrue(message.startsWith(expected), () -> message + " is not " + expected);
  }

  @Test
  void fileOfScikitLearnThatCountsFromZero() {
    String message = TableCells.refusal(TableCells.resource("from_zero.svmlight"));
    assertTrue(message.contains("from_zero.svmlight:3: index 0"), message);
    assertTrue(message.contains("zero_based=False"), message);
  }

  @Test
  void wordsOfAnyKind() {
    String message = TableCells.refusal(file("1 \u001b[31m\u00ff\n"));
    assertTrue(message.endsWith(":1: '?[31m?' is no pair index:value"), message);
    message = TableCells.refusal(file("1".repeat(2000)));
    assertTrue(
        message.endsWith(":1: '" + "1".repeat(40) + "...' is no label and no pair"), message);
    message = TableCells.refusal(file("x".repeat(300) + " 1:2"));
    assertTrue(
        message.endsWith("'" + "x".repeat(40) + "...' in column 'y' is not a number"), message);
    assertTrue(TableCells.refusal(file("")).endsWith("a.svm has no rows"));
    Path none = folder.resolve("none.libsvm");
    assertEquals("cannot read " + none + ": there is no such file", TableCells.refusal(none));
  }

  /** A comment and a line longer than any buffer. */
  @Test
  void longLines() {
    StringBuilder text = new StringBuilder("#" + "x".repeat(200_000) + "\n1");
    for (int i = 1; i <= 30_000; i++) {
      text.append(' ').append(i).append(':').append(i * 0.5);
    }
    try (Table table = table(text.toString())) {
      assertEquals(30_001, table.columns().size());
      double[] row = TableCells.of(table)[0];
      for (int i = 1; i < row.length; i++) {
        assertEquals(i * 0.5, row[i]);
      }
    }
  }

  @Test
  void denseTableThatIsTooLarge() {
    Path file = file("1 1000000:1\n".repeat(1074));
    assertTrue(
        TableCells.refusal(file)
            .startsWith(
                file
                    + ": 1,074 rows of 1,000,000 features and a label take 8,592,008,592 bytes as a dense table of F64,"
                    + " and 8,589,934,592 are allowed;"));
    try (LibsvmTable table = LibsvmTable.file(file).withDenseLimit(8_592_008_592L)) {
      assertEquals(1074, table.rows());
    }
    try (LibsvmTable table = table("1 1:1\n").withDenseLimit(15)) {
      assertThrows(DataException.class, table::rows);
      assertThrows(IllegalArgumentException.class, () -> table.withDenseLimit(-1));
      assertEquals(1, table.withDenseLimit(16).rows());
    }
  }

  @Test
  void beyondF32() {
    try (Table table = table("1 1:1e39")) {
      DataException e =
          assertThrows(
              DataException.class, () -> table.read(new int[] {1}, DType.F32, (r, c, v) -> {}));
      assertTrue(
          e.getMessage().endsWith("'1e39' in column '1' is beyond the range of f32; use f64"));
      List<Double> label = new ArrayList<>();
      table.read(new int[] {0}, DType.F32, (r, c, v) -> label.add(v));
      assertEquals(List.of(1.0), label);
    }
  }

  @Test
  void fileThatChangesBetweenTheTwoReadings() {
    for (String other : List.of("1 1:1\n", "1 1:1\n1 1:1\n1 1:1\n", "1 1:1\n1 2:1\n")) {
      try (Table table = table("1 1:1\n1 1:1\n")) {
        assertEquals(2, table.rows());
        file(other);
        DataException e = assertThrows(DataException.class, () -> TableCells.of(table));
        assertTrue(e.getMessage().endsWith("a.svm changed while it was read"), e.getMessage());
      }
    }
  }
}
