package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts, numbers and missing values of every format, as the files have them. */
class TableValuesTest {
  @TempDir private Path folder;

  private Object[][] values(String file, String content, String... columns) throws IOException {
    Path path = Files.writeString(folder.resolve(file), content, StandardCharsets.ISO_8859_1);
    try (Table table = TableFile.open(path)) {
      return TableCells.values(table, columns);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "numbers-none.parquet",
        "numbers-gzip.parquet",
        "numbers-v2.parquet",
        "numbers-v2-none.parquet",
        "numbers-split.parquet",
        "numbers.arrow",
        "numbers.arrows",
        "numbers-lz4.arrow",
        "numbers-zstd.arrows",
        "numbers.feather"
      })
  void texts(String file) {
    try (Table table = TableFixtures.open(file)) {
      Object[][] cells = TableCells.values(table, "text", "f64");
      for (int row = 0; row < cells.length; row++) {
        assertEquals("word " + row % 9, cells[row][0]);
        assertEquals(row / 7.0, cells[row][1]);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kinds.parquet", "kinds.arrow", "kinds.ipc"})
  void missingAndInfinite(String file) {
    try (Table table = TableFixtures.open(file)) {
      assertArrayEquals(
          new Object[][] {{1.0, "a", 1.0, -128.0}, {Double.POSITIVE_INFINITY, "b", null, 127.0}},
          TableCells.values(table, "infinite", "text", "missing", "i8"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kinds.arrow", "kinds.ipc"})
  void dictionaries(String file) {
    try (Table table = TableFixtures.open(file)) {
      assertArrayEquals(
          new Object[][] {{"a", 1.5}, {"b", -2.25}},
          TableCells.values(table, "dictionary", "last"));
    }
  }

  @Test
  void csv() throws IOException {
    assertArrayEquals(
        new Object[][] {
          {1.0, "red", -Double.MIN_NORMAL},
          {null, "2 1", Double.POSITIVE_INFINITY},
          {Double.NaN, null, Double.NEGATIVE_INFINITY},
          {"1f", null, 0.0},
          {null, "2026-11-30", 1e5}
        },
        values(
            "a.csv",
            "a,b,c\n1, red ,-2.2250738585072014E-308\n,2 1,inf\nnan,NA,-Infinity\n1f,?,1e-400\n null ,2026-11-30,+1.e5\n",
            "a",
            "b",
            "c"));
  }

  @Test
  void libsvm() throws IOException {
    assertArrayEquals(
        new Object[][] {{"spam", 1.0, 0.0}, {-1.0, 0.0, Double.NaN}},
        values("a.svm", "spam 1:1\n-1 2:nan", "y", "1", "2"));
  }

  /** Zeros fill a text, and a wide character has four bytes in the order of the type. */
  @Test
  void npy() throws IOException {
    String header =
        "{'descr': [('s', '|S3'), ('u', '>U2'), ('x', '|u1')], 'fortran_order': False, 'shape': (2,), }";
    String padded = header + " ".repeat(118 - 1 - header.length()) + "\n";
    assertArrayEquals(
        new Object[][] {{"ab", "\u00e9", 7.0}, {null, "xy", 8.0}},
        values(
            "a.npy",
            "\u0093NUMPY\1\0\166\0" + padded + "ab\0\0\0\0\u00e9\0\0\0\0\7\0\0\0\0\0\0x\0\0\0y\10",
            "s",
            "u",
            "x"));
  }

  /** What a receiver throws passes, with its place once. */
  @ParameterizedTest
  @ValueSource(strings = {"kinds.parquet", "kinds.arrow"})
  void refusalsOfTheReceiver(String file) {
    try (Table table = TableFixtures.open(file)) {
      int[] columns = {table.columns().indexOf("text")};
      DataException e =
          assertThrows(
              DataException.class,
              () -> table.read(columns, table.finite(columns, null, (row, i, value) -> {})));
      assertTrue(
          e.getMessage().startsWith(table.name() + ": row 1: 'a' in column 'text' is not a number"),
          e.getMessage());
    }
  }
}
