package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/** What a table hands over, and how it refuses. */
public final class TableCells {
  private TableCells() {}

  /** All cells, [row][column]; fails if one is not handed over exactly once. */
  public static double[][] of(Table table) {
    return of(table, IntStream.range(0, table.columns().size()).toArray());
  }

  /** The cells of some columns. */
  public static double[][] of(Table table, int... columns) {
    double[][] cells = new double[Math.toIntExact(table.rows())][columns.length];
    for (double[] row : cells) {
      Arrays.fill(row, Double.NaN);
    }
    table.read(
        columns,
        DType.F64,
        (row, selected, value) -> {
          assertTrue(Double.isNaN(cells[(int) row][selected]), "a cell came twice");
          cells[(int) row][selected] = value;
        });
    for (double[] row : cells) {
      assertTrue(Arrays.stream(row).noneMatch(Double::isNaN), "a cell did not come");
    }
    return cells;
  }

  /** Cells as the file has them, [row][column]: a Double, a String, or null if it is missing. */
  public static Object[][] values(Table table, String... names) {
    int[] columns = Arrays.stream(names).mapToInt(table.columns()::indexOf).toArray();
    Object[][] cells = new Object[Math.toIntExact(table.rows())][columns.length];
    boolean[][] seen = new boolean[cells.length][columns.length];
    table.read(
        columns,
        new Table.Values() {
          private void set(long row, int selected, Object value) {
            assertTrue(!seen[(int) row][selected], "a cell came twice");
            seen[(int) row][selected] = true;
            cells[(int) row][selected] = value;
            String place = table.place(row, columns[selected]);
            assertTrue(place.matches(".*: (row [0-9,]+.*|its folder)|.*:[0-9:]+"), place);
          }

          @Override
          public void number(long row, int selected, double value) {
            set(row, selected, value);
          }

          @Override
          public void text(long row, int selected, String text) {
            set(row, selected, text);
          }

          @Override
          public void missing(long row, int selected) {
            set(row, selected, null);
          }
        });
    for (boolean[] row : seen) {
      for (boolean cell : row) {
        assertTrue(cell, "a cell did not come");
      }
    }
    return cells;
  }

  /**
   * Requires that a file is refused, opened or read, with a message that has its name; gives it.
   */
  public static String refusal(Path file) {
    DataException e =
        assertThrows(
            DataException.class,
            () -> {
              try (Table table = TableFile.open(file)) {
                of(table);
              }
            });
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    return e.getMessage();
  }

  /** Requires that a file, whatever it has become, is a table or refused. */
  public static void requireTableOrRefusal(Path file) {
    try (Table table = TableFile.open(file)) {
      of(table);
    } catch (DataException e) {
      assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    }
  }

  /** Writes a file. */
  public static Path write(Path file, byte[] content) {
    try {
      return Files.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file of the test resources. */
  public static Path resource(String name) {
    try {
      return Path.of(TableCells.class.getResource("/tables/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
