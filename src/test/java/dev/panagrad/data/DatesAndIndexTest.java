package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.TableOptions.Dates;
import dev.panagrad.data.file.DateText;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dates as numbers, and columns that are features only where they are named. */
class DatesAndIndexTest {
  private final List<String> notes = new ArrayList<>();
  @TempDir private Path folder;

  private TableOptions options(Dates dates) {
    return new TableOptions(
        null, CsvDialect.DETECTED, dates, notes::add, TableOptions.Setting::toString);
  }

  /** The times of {@code kinds} are 0 and 1 microseconds, its dates 1 and 10,957 days. */
  @ParameterizedTest
  @ValueSource(strings = {"kinds.parquet", "kinds.arrow"})
  void columnar(String file) {
    Path path = TableFixtures.FOLDER.resolve(file);
    try (Table table = TableFile.open(path, options(Dates.SECONDS))) {
      assertArrayEquals(
          new Object[][] {{0.0, 86_400.0}, {1e-6, 10_957 * 86_400.0}},
          TableCells.values(table, "time", "date"));
    }
    try (Table table = TableFile.open(path, options(Dates.DAYS))) {
      assertArrayEquals(
          new Object[][] {{0.0, 1.0}, {1e-6 / 86_400, 10_957.0}},
          TableCells.values(table, "time", "date"));
    }
    try (Table table = TableFile.open(path, options(null))) {
      DataException e = assertThrows(DataException.class, () -> TableCells.values(table, "time"));
      assertTrue(e.getMessage().endsWith("timestamps by TableOptions.dates"), e.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1970-01-02, 86400",
    "1969-12-31, -86400",
    "1970-01-01T00:00:01, 1",
    "1970-01-01 01:00, 3600",
    "1970-01-01 00:00:01.25, 1.25",
    "1970-01-01T01:00:00+01:00, 0",
    "1970-01-01T00:00-00:30, 1800",
    "1970-01-01T00:00:00Z, 0",
    "2026-11-31, NaN",
    "2026-13-01, NaN",
    "1970-01-01T25:00, NaN",
    "1970-1-1, NaN",
    "01.01.1970, NaN",
    "abcd-ef-gh, NaN",
    "x, NaN"
  })
  void texts(String text, double seconds) throws IOException {
    assertEquals(seconds, DateText.seconds(text));
    Path file = Files.writeString(folder.resolve("d.csv"), "a,b\n" + text + ",1\n");
    try (Table table = TableFile.open(file, options(Dates.SECONDS))) {
      assertEquals(Double.isNaN(seconds) ? text : seconds, TableCells.values(table, "a")[0][0]);
    }
    try (Table table = TableFile.open(file, options(null))) {
      assertEquals(text, TableCells.values(table, "a")[0][0]);
    }
  }

  private List<String> features(Path file, String target) {
    try (TensorArena arena = TensorArena.open("f");
        Table table = TableFile.open(file, options(null))) {
      return TableReader.of(table).targets(List.of(target)).read(arena, DType.F64).features();
    }
  }

  @Test
  void indicesOfPandas() throws IOException {
    Path parquet = TableFixtures.FOLDER.resolve("pandas-index.parquet");
    assertEquals(List.of("x"), features(parquet, "y"));
    assertTrue(notes.toString().contains("column '__index_level_0__' is an index of pandas"));
    try (Table table = TableFile.open(parquet)) {
      TableCells.values(table, "__index_level_0__", "y");
    }
    for (String ending : List.of("parquet", "arrow")) {
      notes.clear();
      Path named = TableFixtures.FOLDER.resolve("pandas-named-index." + ending);
      assertEquals(List.of("x"), features(named, "y"));
      assertTrue(notes.getFirst().contains("column 'pass.id \"é\"' is an index of pandas"));
      try (Table table = TableFile.open(named)) {
        assertEquals(8.0, TableCells.values(table, "pass.id \"é\"")[1][0]);
      }
    }
    notes.clear();
    for (String name : List.of("", "Unnamed: 0")) {
      Path csv = Files.writeString(folder.resolve("i.csv"), name + ",a,y\n0,1,2\n1,3,4\n");
      assertEquals(List.of("a"), features(csv, "y"));
      assertTrue(notes.removeFirst().contains("column 1 counts rows from 0"));
      Files.writeString(csv, name + ",a,y\n0,1,2\n2,3,4\n");
      assertEquals(List.of(name, "a"), features(csv, "y"));
      assertEquals(List.of(), notes);
    }
  }

  /** Arrays that do not fit are refused where they are named, and there alone. */
  @Test
  void arraysBeside() {
    Path file = TableFixtures.FOLDER.resolve("names-beside.npz");
    assertEquals(List.of("X1", "X2"), features(file, "y"));
    assertEquals(1, notes.size());
    assertTrue(notes.getFirst().contains("'feature_names' is left out: "), notes::toString);
    try (Table table = TableFile.open(file)) {
      DataException e =
          assertThrows(DataException.class, () -> TableCells.values(table, "feature_names"));
      assertTrue(e.getMessage().contains("array 'feature_names' has 2"), e.getMessage());
    }
    try (Table table = TableFile.open(TableFixtures.FOLDER.resolve("int32-label.safetensors"))) {
      assertEquals(List.of("X1", "X2", "y"), table.columns());
      Object[][] cells = TableCells.values(table, "y");
      assertArrayEquals(new Object[][] {{0.0}, {1.0}, {0.0}, {1.0}}, cells);
    }
  }

  @Test
  void pagesThatSayTheyAreNotCompressed() {
    Path file = TableFixtures.FOLDER.resolve("v2-page-flag-false.parquet");
    try (Table table = TableFile.open(file)) {
      DataException e = assertThrows(DataException.class, () -> TableCells.values(table, "col1"));
      assertTrue(e.getMessage().contains("said not to be compressed"), e.getMessage());
    }
  }
}
