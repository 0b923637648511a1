package dev.panagrad.encoding;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rows of numbers and texts as features. */
class TableEncodingTest {
  private static final TableEncoding ENCODING =
      new TableEncoding(
          List.of(
              NumberColumn.of("size"),
              new CategoryColumn("color", List.of("blue", "green", "red"), true, true, false),
              new NumberColumn("age", 30, true),
              new CategoryColumn("zone", List.of("1", "2"), false, false, true)),
          Arrays.asList(new ClassLabels("no", "yes"), null));

  private static double[] encoded(Map<String, ?> row) {
    double[] features = new double[ENCODING.features().size()];
    Arrays.fill(features, -7);
    ENCODING.encode(row, features);
    return features;
  }

  private static String refusal(Map<String, ?> row) {
    return assertThrows(IllegalArgumentException.class, () -> encoded(row)).getMessage();
  }

  @Test
  void names() {
    assertEquals(
        List.of(
            "size",
            "color=green",
            "color=red",
            "color is missing",
            "age",
            "age is missing",
            "zone=1",
            "zone=2"),
        ENCODING.features());
    assertEquals(List.of("size", "color", "age", "zone"), ENCODING.names());
    assertEquals("yes", ENCODING.classes(0).positive());
    assertNull(ENCODING.classes(1));
  }

  @Test
  void rows() {
    Map<String, Object> row =
        new HashMap<>(Map.of("size", 2, "color", "red", "age", 41.5f, "zone", 2L));
    assertArrayEquals(new double[] {2, 0, 1, 0, 41.5, 0, 0, 1}, encoded(row));
    row.put("color", "blue");
    row.put("zone", "1");
    row.put("size", true);
    assertArrayEquals(new double[] {1, 0, 0, 0, 41.5, 0, 1, 0}, encoded(row));
    row.put("color", null);
    row.put("age", Double.NaN);
    row.put("zone", "elsewhere");
    assertArrayEquals(new double[] {1, 0, 0, 1, 30, 1, 0, 0}, encoded(row));
    row.remove("age");
    row.remove("color");
    row.remove("zone");
    assertArrayEquals(new double[] {1, 0, 0, 1, 30, 1, 0, 0}, encoded(row));
  }

  @Test
  void refusals() {
    String unseen = refusal(Map.of("size", 1, "color", "pink"));
    assertTrue(
        unseen.startsWith("'pink' in column 'color' is none of the levels that were trained on"));
    assertEquals("column 'size' has no value", refusal(Map.of("color", "red")));
    assertEquals("'big' in column 'size' is not a number", refusal(Map.of("size", "big")));
    String infinite = refusal(Map.of("size", Double.POSITIVE_INFINITY));
    assertTrue(infinite.contains("'Infinity' in column 'size' is not finite"), infinite);
    assertEquals("there is no column 'colour'", refusal(Map.of("size", 1, "colour", "red")));
    String type = refusal(Map.of("size", List.of()));
    assertTrue(type.contains("a number or a text is needed"), type);
    String length =
        assertThrows(
                IllegalArgumentException.class,
                () -> ENCODING.encode(Map.of("size", 1), new double[3]))
            .getMessage();
    assertEquals("the row has 8 features, the array 3", length);
  }

  /** A category of one level that others are compared to has no feature. */
  @Test
  void constantCategory() {
    TableEncoding one =
        new TableEncoding(
            List.of(
                new CategoryColumn("a", List.of("x"), false, true, false),
                new CategoryColumn("b", List.of(), true, true, false),
                NumberColumn.of("c")),
            List.of());
    assertEquals(List.of("c"), one.features());
    double[] features = new double[1];
    one.encode(Map.of("a", "x", "c", 3), features);
    assertEquals(3, features[0]);
    assertThrows(IllegalArgumentException.class, () -> one.encode(Map.of("a", "y"), features));
  }

  @Test
  void numbersAsLevels() {
    assertEquals("3", CategoryColumn.text(3.0));
    assertEquals("0", CategoryColumn.text(-0.0));
    assertEquals("0.5", CategoryColumn.text(0.5));
    assertEquals("1.0E16", CategoryColumn.text(1e16));
    assertEquals("-12", CategoryColumn.text(-12));
  }

  @Test
  void namesThatClash() {
    List<Column> columns = new ArrayList<>();
    columns.add(new CategoryColumn("a", List.of("b"), false, false, false));
    columns.add(NumberColumn.of("a=b"));
    String message =
        assertThrows(IllegalArgumentException.class, () -> new TableEncoding(columns, List.of()))
            .getMessage();
    assertEquals("two columns give a feature 'a=b'; rename one of them", message);
    columns.set(1, NumberColumn.of("a"));
    assertThrows(IllegalArgumentException.class, () -> new TableEncoding(columns, List.of()));
    CategoryColumn twice = new CategoryColumn("a", List.of("b", "b"), false, false, false);
    assertThrows(
        IllegalArgumentException.class, () -> new TableEncoding(List.of(twice), List.of()));
  }
}
