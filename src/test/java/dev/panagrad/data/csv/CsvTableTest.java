package dev.panagrad.data.csv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a CSV file becomes, and the message for every file that cannot be used. */
@Tag("first")
class CsvTableTest {
  private static final String NAME = "d.csv";
  private static final String ABC = "a,b,c\n1,2,3\n4,5,6\n";

  private final TensorArena arena = TensorArena.open("csv");

  @TempDir Path folder;

  @AfterEach
  void close() {
    arena.close();
  }

  private static CsvTable table(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return CsvTable.of(NAME, () -> new ByteArrayInputStream(bytes));
  }

  private static TableReader csv(String text) {
    return TableReader.of(table(text));
  }

  private static TableReader noHeader(String text) {
    return TableReader.of(table(text).withoutHeader());
  }

  private Dataset read(String text, String... targets) {
    return csv(text).targets(List.of(targets)).read(arena, DType.F64);
  }

  private static void rows(double[][] expected, Tensor actual) {
    assertArrayEquals(expected, Datasets.rows(actual));
  }

  private void fails(String message, TableReader data) {
    DataException e = assertThrows(DataException.class, () -> data.read(arena, DType.F64));
    assertEquals(message, e.getMessage());
    assertEquals(0, arena.bytes());
  }

  private void fails(String message, String text, UnaryOperator<TableReader> options) {
    DataException e =
        assertThrows(
            DataException.class,
            () -> options.apply(csv(text).targets(List.of("c"))).read(arena, DType.F64));
    assertEquals(message, e.getMessage());
  }

  private void fails(String message, String text) {
    fails(message, text, data -> data);
  }

  @Test
  void header() {
    Dataset data = read(ABC, "c");
    assertEquals(List.of("a", "b"), data.features());
    assertEquals(List.of("c"), data.targets());
    assertEquals(2, data.rows());
    rows(new double[][] {{1, 2}, {4, 5}}, data.x());
    rows(new double[][] {{3}, {6}}, data.y());
  }

  @Test
  void noHeader() {
    Dataset data = noHeader("1,2,3\n4,5,6").targets(List.of("1")).read(arena, DType.F32);
    assertEquals(List.of("2", "3"), data.features());
    assertEquals(List.of("1"), data.targets());
    assertEquals(DType.F32, data.x().dtype());
    rows(new double[][] {{2, 3}, {5, 6}}, data.x());
    rows(new double[][] {{1}, {4}}, data.y());
  }

  @Test
  void severalTargetsInTheOrderAskedFor() {
    Dataset data = read(ABC, "c", "a");
    assertEquals(List.of("c", "a"), data.targets());
    assertEquals(List.of("b"), data.features());
    rows(new double[][] {{3, 1}, {6, 4}}, data.y());
    rows(new double[][] {{2}, {5}}, data.x());
  }

  @Test
  void featuresByNameAndByNumber() {
    Dataset data =
        csv("a,b,c,d\n1,2,3,4\n")
            .targets(List.of("b"))
            .features(List.of("4", "a"))
            .read(arena, DType.F64);
    assertEquals(List.of("d", "a"), data.features());
    rows(new double[][] {{4, 1}}, data.x());
  }

  @Test
  void aNameThatIsANumberIsAName() {
    Dataset data = read("2,1\n10,20\n", "2");
    rows(new double[][] {{10}}, data.y());
    rows(new double[][] {{20}}, data.x());
  }

  @Test
  void unselectedColumnsMayHoldAnything() {
    Dataset data =
        csv("a,b,c\n1,left,3\n4,,6\n")
            .targets(List.of("c"))
            .features(List.of("a"))
            .read(arena, DType.F64);
    rows(new double[][] {{1}, {4}}, data.x());
  }

  @Test
  void quotedCells() {
    Dataset data = read("\"a, or \"\"A\"\"\",b,c\n\"1\",\"-2.5e1\",\"3\"\n", "c");
    assertEquals(List.of("a, or \"A\"", "b"), data.features());
    rows(new double[][] {{1, -25}}, data.x());
    rows(new double[][] {{3}}, data.y());
  }

  @Test
  void crLf() {
    Dataset data = read("a,b,c\r\n1,2,3\r\n4,5,6\r\n", "c");
    assertEquals(List.of("c"), data.targets());
    rows(new double[][] {{3}, {6}}, data.y());
  }

  @Test
  void byteOrderMark() {
    Dataset data = read("\uFEFF" + ABC, "a");
    assertEquals(List.of("a"), data.targets());
    rows(new double[][] {{1}, {4}}, data.y());
  }

  @Test
  void byteOrderMarkWithoutHeader() {
    Dataset data = noHeader("\uFEFF1,2\n3,4\n").targets(List.of("1")).read(arena, DType.F64);
    rows(new double[][] {{1}, {3}}, data.y());
  }

  @Test
  void blanksAroundNumbersAndNames() {
    Dataset data = read(" a,b ,\tc\n 1 ,\t2,3  \n", "c");
    assertEquals(List.of("a", "b"), data.features());
    rows(new double[][] {{1, 2}}, data.x());
    rows(new double[][] {{3}}, data.y());
  }

  @Test
  void emptyLinesAreSkippedAndCounted() {
    rows(new double[][] {{3}, {6}}, read("a,b,c\n\n1,2,3\n\n\n4,5,6\n\n", "c").y());
    fails("d.csv:5:1: 'x' in column 'a' is not a number", "a,b,c\n\n1,2,3\n\nx,5,6\n");
  }

  @Test
  void lastLineWithoutItsEnd() {
    rows(new double[][] {{3}, {6}}, read("a,b,c\n1,2,3\n4,5,6", "c").y());
  }

  /** As a pipe or a decompressor may: {@link InputStream#read(byte[], int, int)} gives less. */
  @Test
  void bytesThatComeOneByOne() {
    byte[] bytes = "123,4\n5,6\n".getBytes(StandardCharsets.UTF_8);
    CsvTable slow =
        CsvTable.of(
                NAME,
                () ->
                    new ByteArrayInputStream(bytes) {
                      @Override
                      public int read(byte[] into, int offset, int length) {
                        return super.read(into, offset, Math.min(length, 1));
                      }
                    })
            .withoutHeader();
    TableReader reader = TableReader.of(slow).targets(List.of("2"));
    rows(new double[][] {{123}, {5}}, reader.read(arena, DType.F64).x());
  }

  @Test
  void file() throws IOException {
    Path file = Files.writeString(folder.resolve("file.csv"), ABC);
    Dataset data = TableReader.of(CsvTable.file(file)).targets(List.of("c")).read(arena, DType.F64);
    rows(new double[][] {{1, 2}, {4, 5}}, data.x());
  }

  @Test
  void missingFile() {
    Path file = folder.resolve("none.csv");
    fails(
        "cannot read " + file + ": there is no such file",
        TableReader.of(CsvTable.file(file)).targets(List.of("c")));
  }

  @Test
  void folderInsteadOfFile() {
    fails(
        "'" + folder + "' is a directory; give a CSV file",
        TableReader.of(CsvTable.file(folder)).targets(List.of("c")));
  }

  @Test
  void failureWhileReading() {
    CsvTable broken =
        CsvTable.of(
            NAME,
            () -> {
              throw new IOException("the disk is gone");
            });
    fails("cannot read d.csv: the disk is gone", TableReader.of(broken).targets(List.of("c")));
  }

  @Test
  void emptyFile() {
    fails("d.csv is empty", "");
    fails("d.csv is empty", "\uFEFF");
    fails("d.csv is empty", "\n".repeat(10));
  }

  @Test
  void fileOfTwoEmptyLines() {
    fails("d.csv is empty", "\n\n");
  }

  @Test
  void shortestFile() {
    Dataset data = noHeader("1,2").targets(List.of("2")).read(arena, DType.F64);
    rows(new double[][] {{1}}, data.x());
    rows(new double[][] {{2}}, data.y());
  }

  @Test
  void headerOnly() {
    fails("d.csv has a header and no rows", "a,b,c\n");
  }

  @Test
  void noTarget() {
    fails("d.csv: name at least one target column", csv(ABC));
  }

  @Test
  void noFeatureLeft() {
    fails(
        "d.csv: no feature column is left besides the targets",
        ABC,
        data -> data.targets(List.of("a", "b", "c")));
  }

  @Test
  void raggedRow() {
    fails("d.csv:3: 2 fields where the header has 3", "a,b,c\n1,2,3\n4,5\n");
    fails("d.csv:2: 4 fields where the header has 3", "a,b,c\n1,2,3,4\n4,5,6\n");
    fails(
        "d.csv:2: 1 fields where the first record has 3",
        noHeader("1,2,3\n4\n").targets(List.of("3")));
  }

  @Test
  void lineNumberAfterACellOfTwoLines() {
    fails("d.csv:4: 2 fields where the header has 3", "a,b,c\n1,\"two\nlines\",3\n4,5\n");
  }

  @Test
  void notANumber() {
    fails("d.csv:3:2: 'five' in column 'b' is not a number", "a,b,c\n1,2,3\n4,five,6\n");
    fails("d.csv:2:3: '3,5' in column 'c' is not a number", "a,b,c\n1,2,\"3,5\"\n");
    String missing = "d.csv:2:1: column 'a' has no value; remove the row or impute it";
    fails(missing, "a,b,c\n,2,3\n");
    fails(missing, "a,b,c\n  ,2,3\n");
    fails(
        "d.csv:2:1: 'NA' in column 'a' is not a number: it says that the cell has no value; remove the row or impute it",
        "a,b,c\nNA,2,3\n");
    DataException e =
        assertThrows(
            DataException.class,
            () -> noHeader("1,b,3\n").targets(List.of("3")).read(arena, DType.F64));
    assertEquals("d.csv:1:2: 'b' in column '2' is not a number", e.getMessage());
  }

  @Test
  void aLongCellIsCutInTheMessage() {
    fails(
        "d.csv:2:1: '" + "x".repeat(40) + "...' in column 'a' is not a number",
        "a,b,c\n" + "x".repeat(41) + ",2,3\n");
  }

  @Test
  void notFinite() {
    for (String text : List.of("NaN", "Infinity", "-Infinity", "1e999")) {
      fails(
          "d.csv:2:2: '" + text + "' in column 'b' is not finite; remove the row or impute it",
          "a,b,c\n1," + text + ",3\n");
    }
  }

  @Test
  void beyondF32() {
    TableReader data = csv("a,b\n1,1e39\n").targets(List.of("b"));
    DataException e = assertThrows(DataException.class, () -> data.read(arena, DType.F32));
    assertEquals(
        "d.csv:2:2: '1e39' in column 'b' is beyond the range of f32; use f64", e.getMessage());
    rows(new double[][] {{1e39}}, data.read(arena, DType.F64).y());
  }

  @Test
  void unknownColumn() {
    String text = "height,weight,age\n1,2,3\n";
    fails(
        "d.csv: there is no target 'Weigt'; did you mean 'weight'? Columns: height, weight, age",
        text,
        data -> data.targets(List.of("Weigt")));
    fails(
        "d.csv: there is no feature 'AGE_'; did you mean 'age'? Columns: height, weight, age",
        text,
        data -> data.targets(List.of("weight")).features(List.of("AGE_")));
  }

  @Test
  void unknownColumnAmongMany() {
    StringBuilder names = new StringBuilder("c0");
    StringBuilder values = new StringBuilder("0");
    for (int i = 1; i < 25; i++) {
      names.append(",c").append(i);
      values.append(",0");
    }
    DataException e =
        assertThrows(DataException.class, () -> read(names + "\n" + values + "\n", "c2x"));
    assertTrue(e.getMessage().contains("did you mean 'c2'?"), e.getMessage());
    assertTrue(e.getMessage().endsWith("c18, c19, and 5 more"), e.getMessage());
  }

  @Test
  void numberOfNoColumn() {
    fails("d.csv: there is no column 4; there are 3", ABC, data -> data.targets(List.of("4")));
    fails("d.csv: there is no column 0; there are 3", ABC, data -> data.targets(List.of("0")));
  }

  @Test
  void duplicateNames() {
    fails("d.csv:1: column 'a' appears twice; names must be unique", "a,c, a\n1,2,3\n");
  }

  @Test
  void targetAndFeature() {
    fails(
        "d.csv: column 'c' is chosen as a target and a feature; choose it once",
        ABC,
        data -> data.features(List.of("a", "3")));
    fails(
        "d.csv: column 'b' is chosen as weights or offset, and a feature; choose it once",
        ABC,
        data -> data.further(List.of("b")).features(List.of("a", "b")));
    fails(
        "d.csv: column 'c' is chosen as a target, and weights or offset; choose it once",
        ABC,
        data -> data.further(List.of("3")));
  }

  @Test
  void selectedTwice() {
    fails("d.csv: feature 'a' is selected twice", ABC, data -> data.features(List.of("a", "1")));
    fails("d.csv: target 'c' is selected twice", ABC, data -> data.targets(List.of("c", "c")));
  }

  @Test
  void dataThatGrowsBetweenTheTwoReadings() {
    int[] openings = {0};
    CsvTable table =
        CsvTable.of(
            NAME,
            () -> {
              String text = openings[0]++ == 0 ? ABC : ABC + "7,8,9\n";
              return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
            });
    TableReader data = TableReader.of(table).targets(List.of("c"));
    DataException e = assertThrows(DataException.class, () -> data.read(arena, DType.F64));
    assertEquals("d.csv changed while it was read", e.getMessage());
  }

  /** Names that differ by such a letter would be the same name. */
  @Test
  void bytesThatAreNotUtf8AreRefused() {
    byte[] latin = "\u00e9,c\n1,2\n".getBytes(StandardCharsets.ISO_8859_1);
    TableReader data = TableReader.of(CsvTable.of(NAME, () -> new ByteArrayInputStream(latin)));
    DataException e =
        assertThrows(DataException.class, () -> data.targets(List.of("c")).read(arena, DType.F64));
    assertTrue(e.getMessage().contains("it is not UTF-8"), e.getMessage());
  }

  @Test
  void numbersOfJavaAlone() {
    for (String cell : List.of("1d", "2f", "3D", "4F", "0x1p3", "0X1P3")) {
      fails(NAME + ":2:1: '" + cell + "' in column 'a' is not a number", "a,c\n" + cell + ",2\n");
    }
    fails(NAME + ":2:1: '5\\u0000' in column 'a' is not a number", "a,c\n5\0,2\n");
    rows(new double[][] {{-1.5e-3}, {2}}, read("a,c\n -1.5E-3 ,2\n+2.,3\n", "c").x());
  }
}
