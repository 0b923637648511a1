package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.data.UnusableColumnsException.Remedy;
import dev.panagrad.encoding.CategoryColumn;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.Column;
import dev.panagrad.encoding.NumberColumn;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.regression.EncodingMetadata;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Encodings that are fitted to tables, and tables that are read through them. */
class TableEncoderTest {
  private static Table table(String csv) {
    return TableFile.csv(
        "t.csv", () -> new ByteArrayInputStream(csv.getBytes(StandardCharsets.UTF_8)));
  }

  private static EncodedTable fit(String csv, UnaryOperator<TableEncoder> options) {
    return options.apply(TableEncoder.of(TableReader.of(table(csv)).targets(List.of("y")))).fit();
  }

  private static double[][] rows(Table table, String... columns) {
    try (TensorArena arena = TensorArena.open("rows")) {
      Dataset data =
          TableReader.of(table)
              .targets(List.of("y"))
              .features(List.of(columns))
              .read(arena, DType.F64);
      double[][] rows = new double[(int) data.rows()][];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = new double[(int) data.x().cols() + 1];
        for (int c = 0; c < data.x().cols(); c++) {
          rows[i][c] = data.x().get(i, c);
        }
        rows[i][rows[i].length - 1] = data.y().get(i, 0);
      }
      return rows;
    }
  }

  /** Rows of numbers alone take a shorter way, to the same values and the same places. */
  @Test
  void rowsOfNumbersAndClasses() {
    String csv = "a,b,y\n1,2,7\n3,4,-0.0\n-5,1e39,0\n";
    EncodedTable table = fit(csv, TableEncoder::classes);
    assertEquals(new ClassLabels("0", "7"), table.encoding().classes(0));
    double[][] all = {{1, 2, 1}, {3, 4, 0}, {-5, 1e39, 0}};
    assertArrayEquals(all, rows(table));
    assertArrayEquals(new double[][] {{2, 1, 1}, {4, 3, 0}, {1e39, -5, 0}}, rows(table, "b", "a"));
    assertArrayEquals(new double[][] {{2, 1}, {4, 0}, {1e39, 0}}, rows(table, "b"));
    try (TensorArena arena = TensorArena.open("too large")) {
      TableReader reader = TableReader.of(table).targets(List.of("y"));
      DataException wrong = assertThrows(DataException.class, () -> reader.read(arena, DType.F32));
      assertTrue(wrong.getMessage().startsWith("t.csv:4:2: "), wrong.getMessage());
      assertTrue(wrong.getMessage().contains("column 'b'"), wrong.getMessage());
    }
  }

  @Test
  void featuresFollowTheirColumns() {
    EncodedTable table =
        fit(
            "a,b,c,y\n1,red,,1\n,blue,2,2\n3,,5,3\n",
            e -> e.automaticCategories().missing(MissingCells.INDICATOR));
    assertEquals(
        List.of("a", "a is missing", "b=red", "b is missing", "c", "c is missing", "y"),
        table.columns());
    assertArrayEquals(
        new double[][] {{1, 0, 1, 0, 3.5, 1, 1}, {2, 1, 0, 0, 2, 0, 2}, {3, 0, 0, 1, 5, 0, 3}},
        rows(table));
    assertEquals(3, table.filled());
    assertEquals(0, table.dropped());
  }

  /** Whatever columns are asked for, in whatever order, of whatever rows are left. */
  @Test
  void anyChoiceOfColumns() {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder csv = new StringBuilder("a,b,c,y\n");
    for (int i = 0; i < 300; i++) {
      csv.append(random.nextInt(10) == 0 ? "" : i)
          .append(',')
          .append(random.nextInt(10) == 0 ? "" : "l" + random.nextInt(4))
          .append(',')
          .append(random.nextInt(3))
          .append(',')
          .append(random.nextInt(20) == 0 ? "NA" : i)
          .append('\n');
    }
    EncodedTable table =
        fit(
            csv.toString(),
            e -> e.categorical(List.of("b", "c")).missing(MissingCells.DROP).withoutBaseline());
    double[][] all = rows(table);
    assertEquals(table.rows(), all.length);
    assertTrue(table.dropped() > 40, "dropped " + table.dropped());
    List<String> names = table.columns();
    for (double[] row : all) {
      assertEquals(row[0], row[row.length - 1], "a is the number of the row, and y too");
    }
    for (int turn = 0; turn < 20; turn++) {
      int first = random.nextInt(names.size() - 1);
      int second = (first + 1 + random.nextInt(names.size() - 2)) % (names.size() - 1);
      double[][] two = rows(table, names.get(first), names.get(second));
      for (int i = 0; i < two.length; i++) {
        assertEquals(all[i][first], two[i][0]);
        assertEquals(all[i][second], two[i][1]);
      }
    }
    long kept = 0;
    for (int i = 0; i < 300; i++) {
      kept += table.hasRow(i) ? 1 : 0;
    }
    assertEquals(table.rows(), kept);
  }

  @Test
  void allColumnsThatCannotBeUsed() {
    UnusableColumnsException e =
        assertThrows(
            UnusableColumnsException.class,
            () ->
                TableEncoder.of(
                        TableReader.of(table("a,b,c,d,y\nx,1,,k,1\ny,2,3,k,\nz,3,4,k,2\n"))
                            .targets(List.of("y")))
                    .requireUsable());
    assertEquals(
        List.of("a", "c", "d", "y"),
        e.columns().stream().map(UnusableColumnsException.Unusable::column).toList());
    assertEquals(
        List.of(
            List.of(Remedy.CATEGORICAL),
            List.of(Remedy.MISSING),
            List.of(Remedy.CATEGORICAL),
            List.of(Remedy.MISSING)),
        e.columns().stream().map(UnusableColumnsException.Unusable::remedies).toList());
    assertEquals(
        "t.csv: 4 columns cannot be used: column 'a' has texts in 3 of 3 cells, such as 'x' (t.csv:2:1); column 'c' has no value in 1 of 3 cells, the first at t.csv:2:3; column 'd' has texts in 3 of 3 cells, such as 'k' (t.csv:2:4); column 'y' has no value in 1 of 3 cells, the first at t.csv:3:5",
        e.getMessage());
  }

  @Test
  void medians() {
    assertEquals(2.5, fill("1\n4\n2\n\n100\n-3\n3\n", MissingCells.MEDIAN));
    assertEquals(3, fill("3\n\n", MissingCells.MEDIAN));
    assertEquals(Double.MAX_VALUE, fill(Double.MAX_VALUE + "\n\n", MissingCells.MEAN));
    assertEquals(0, fill(Double.MAX_VALUE + "\n\n-" + Double.MAX_VALUE + "\n", MissingCells.MEAN));
  }

  private static double fill(String cells, MissingCells missing) {
    StringBuilder csv = new StringBuilder("a,y\n");
    cells.lines().forEach(cell -> csv.append(cell).append(",1\n"));
    EncodedTable table = fit(csv.toString(), e -> e.missing(missing));
    return ((NumberColumn) table.encoding().columns().getFirst()).fill();
  }

  @Test
  void refusals() {
    assertEquals(
        "t.csv: no row is left; each has a missing cell, or weight 0",
        assertThrows(
                DataException.class, () -> fit("a,y\n,1\n2,\n", e -> e.missing(MissingCells.DROP)))
            .getMessage());
    assertTrue(
        assertThrows(
                UnusableColumnsException.class,
                () -> fit("a,b,y\n,1,1\n,2,2\n", e -> e.missing(MissingCells.MEAN)))
            .getMessage()
            .contains("column 'a' has no value in 2 of 2 cells"));
    assertTrue(
        assertThrows(
                DataException.class,
                () -> fit("a,y\ninf,1\n,2\n", e -> e.missing(MissingCells.MEAN)))
            .getMessage()
            .contains("column 'a' is not finite"));
    assertEquals(
        "two columns give a feature 'a=x'; rename one of them",
        assertThrows(
                DataException.class,
                () -> fit("a,a=x,y\nx,1,1\nb,2,2\n", e -> e.automaticCategories()))
            .getMessage());
  }

  /** Any encoding is itself again after it was metadata. */
  @Test
  void metadata() throws IOException {
    SplittableRandom random = new SplittableRandom(2);
    String[] texts = {"", "a", "ä\n\"", "[\"x\"]", "number", "missing", "\u2028", "😀"};
    for (int turn = 0; turn < 200; turn++) {
      List<Column> columns = new ArrayList<>();
      for (int c = 0; c < 1 + random.nextInt(5); c++) {
        String name = texts[random.nextInt(texts.length)] + c;
        switch (random.nextInt(3)) {
          case 0 -> columns.add(NumberColumn.of(name));
          case 1 ->
              columns.add(
                  new NumberColumn(name, random.nextDouble() * 1e300, random.nextBoolean()));
          default -> {
            List<String> levels = new ArrayList<>();
            for (String text : texts) {
              if (random.nextBoolean()) {
                levels.add(text);
              }
            }
            columns.add(
                new CategoryColumn(
                    name,
                    levels,
                    levels.isEmpty() || random.nextBoolean(),
                    random.nextBoolean(),
                    random.nextBoolean()));
          }
        }
      }
      List<ClassLabels> classes = new ArrayList<>();
      classes.add(random.nextBoolean() ? null : new ClassLabels("no", texts[random.nextInt(8)]));
      TableEncoding encoding = new TableEncoding(columns, classes);
      Map<String, String> metadata = new LinkedHashMap<>();
      EncodingMetadata.put(encoding, metadata);
      assertEquals(encoding, EncodingMetadata.get(metadata, 1));
      // What is damaged is refused by one exception, or is another encoding.
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        String text = entry.getValue();
        int at = random.nextInt(text.length());
        Map<String, String> damaged = new LinkedHashMap<>(metadata);
        damaged.put(entry.getKey(), text.substring(0, at) + "!" + text.substring(at + 1));
        try {
          EncodingMetadata.get(damaged, 1);
        } catch (IOException e) {
          assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
        }
      }
    }
  }
}
