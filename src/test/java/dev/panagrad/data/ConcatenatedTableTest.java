package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several files as one table: lists, folders, patterns and folders of values. */
class ConcatenatedTableTest {
  @TempDir private Path folder;

  private Path file(String name, String text) {
    Path file = folder.resolve(name);
    try {
      Files.createDirectories(file.getParent());
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Table table(String... names) {
    return TableFile.open(Stream.of(names).map(folder::resolve).toList(), TableOptions.DEFAULT);
  }

  private String refusal(String... names) {
    return assertThrows(
            DataException.class,
            () -> {
              try (Table table = table(names)) {
                TableCells.of(table);
              }
            })
        .getMessage();
  }

  @Test
  void inTheOrderOfTheirNames() {
    file("b/part-2.csv", "a,y\n5,6\n");
    file("b/part-10.csv", "a,y\n1,2\n3,4\n");
    file("b/_SUCCESS", "");
    file("b/.part-1.csv.crc", "x");
    file("b/_temporary/part-3.csv", "a,y\n7,8\n");
    file("c.csv", "a;y\n0,5;1\n");
    double[][] sorted = {{1, 2}, {3, 4}, {5, 6}};
    for (String name : List.of("b", "b/*.csv", "b/part-[0-9]*", "*/part*")) {
      try (Table table = table(name)) {
        assertArrayEquals(sorted, TableCells.of(table), name);
      }
    }
    try (Table table = table("c.csv", "b")) {
      assertEquals(folder.resolve("c.csv") + " and 2 more", table.name());
      double[][] all = {{1, 0.5}, {2, 1}, {4, 3}, {6, 5}};
      assertArrayEquals(all, TableCells.of(table, 1, 0));
    }
    try (Table table = table("b/part-2.csv", "b/part-10.csv").withoutHeader()) {
      assertEquals(5, table.rows());
      assertEquals("y", TableCells.values(table, "2")[0][0]);
    }
  }

  @Test
  void differencesAreNamed() {
    file("a.csv", "a,y\n1,2\n");
    file("b.csv", "a,z\n1,2\n");
    file("c.csv", "a,y,z\n1,2,3\n");
    file("d.csv", "a,y\n1,2\n3,x\n");
    assertTrue(refusal("a.csv", "b.csv").contains("b.csv: column 2 is 'z', and 'y' in "));
    assertTrue(refusal("a.csv", "c.csv").contains("c.csv has 3 columns, and "));
    assertTrue(refusal("a.csv", "d.csv").contains("d.csv:3:2: 'x' in column 'y' is not a number"));
    assertTrue(refusal("a.csv", "*.csv").contains("is named twice"));
    assertTrue(refusal("*.txt").startsWith("no file fits '"));
    assertTrue(refusal("none/*.txt").startsWith("no file fits '"));
    assertTrue(refusal("none").endsWith("there is no such file"));
    file("e/_x", "");
    assertTrue(refusal("e").contains("is a directory without files of data"));
  }

  /** Spark's escapes, its missing value, numbers and texts; a column of the file counts once. */
  @Test
  void foldersOfValues() throws IOException {
    for (String part : List.of("year=2024/place=K%C3%B6ln", "year=2025/place=a+b")) {
      Files.createDirectories(folder.resolve("t").resolve(part));
      Files.copy(
          TableFixtures.FOLDER.resolve("tiny.parquet"),
          folder.resolve("t").resolve(part).resolve("0.parquet"));
    }
    try (Table table = table("t")) {
      assertEquals(List.of("x", "y", "year", "place"), table.columns());
      Object[][] cells = TableCells.values(table, "place", "y", "year");
      assertEquals(24, cells.length);
      assertArrayEquals(new Object[] {"K\u00f6ln", 11.0, 2024.0}, cells[11]);
      assertArrayEquals(new Object[] {"a+b", 0.0, 2025.0}, cells[12]);
      try (TensorArena arena = TensorArena.open("t")) {
        Dataset data =
            TableReader.of(table)
                .targets(List.of("y"))
                .features(List.of("year", "x"))
                .read(arena, DType.F32);
        assertEquals(2025, data.x().get(23, 0));
        assertEquals(11 / 4.0, data.x().get(23, 1));
      }
    }
    assertTrue(refusal("t").contains("its folder: 'K\u00f6ln' in column 'place' is not a number"));
    file("u/k=__HIVE_DEFAULT_PARTITION__/a=1/0.csv", "a,y\n5,6\n");
    try (Table table = table("u")) {
      assertEquals(List.of("a", "y", "k"), table.columns());
      assertArrayEquals(new Object[] {5.0, null}, TableCells.values(table, "a", "k")[0]);
    }
    file("u/k=1/0.csv", "a,y\n5,6\n");
    assertTrue(refusal("u").contains("in folders of ["));
  }

  @Test
  void sparse() {
    file("a.svm", "1 1:2\n");
    file("b.svm", "2 3:4\n3 1:1\n");
    try (Table table = table("a.svm", "b.svm")) {
      assertArrayEquals(
          new double[][] {{1, 2, 0, 0}, {2, 0, 0, 4}, {3, 1, 0, 0}}, TableCells.of(table));
      table.withFeatures(5).withDenseLimit(3 * 6 * 8);
      assertEquals(6, table.columns().size());
      assertThrows(DataException.class, () -> table.withDenseLimit(3 * 6 * 8 - 1).rows());
    }
  }
}
