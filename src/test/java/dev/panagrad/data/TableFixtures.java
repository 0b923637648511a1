package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.tensor.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The files of {@code tables/make_arrow_tables.py}, and what they hold. */
public final class TableFixtures {
  public static final Path FOLDER = Path.of("src/test/resources/tables");
  public static final int ROWS = 1000;

  private TableFixtures() {}

  /** A file of that name. */
  public static Table open(String file) {
    return TableFile.open(FOLDER.resolve(file));
  }

  /** Columns by name, read together. */
  public static double[][] read(Table table, DType dtype, String... names) {
    List<String> columns = table.columns();
    int[] selected = Arrays.stream(names).mapToInt(columns::indexOf).toArray();
    double[][] values = new double[names.length][(int) table.rows()];
    long[] seen = new long[1];
    table.read(
        selected,
        dtype,
        (row, i, value) -> {
          values[i][(int) row] = value;
          seen[0]++;
        });
    assertEquals(names.length * table.rows(), seen[0]);
    return values;
  }

  /** Requires the columns of a file of {@code numbers}. */
  public static void assertNumbers(Table table) {
    assertEquals(List.of("i32", "i64", "f32", "f64", "flag", "group", "text"), table.columns());
    assertEquals(ROWS, table.rows());
    double[][] found = read(table, DType.F64, "group", "f64", "i32", "flag", "i64", "f32");
    double[][] expected = new double[6][ROWS];
    for (int i = 0; i < ROWS; i++) {
      expected[0][i] = i % 5;
      expected[1][i] = i / 7.0;
      expected[2][i] = 3 * i - 500;
      expected[3][i] = i % 2;
      expected[4][i] = (double) i * i * i;
      expected[5][i] = i / 8.0;
    }
    for (int c = 0; c < expected.length; c++) {
      assertArrayEquals(expected[c], found[c], "column " + c);
    }
  }
}
