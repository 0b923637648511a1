package dev.panagrad.regression;

import dev.panagrad.rule.Checks;
import dev.panagrad.safetensors.Excerpt;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Finds the features of a model among the columns of a service, which may have others and another
 * order: by name once, then by one indexed copy per row.
 *
 * <p>Threading: immutable, may be shared freely.
 */
public final class FeatureOrder {
  private static final int NAMED_MISSING = 10;

  private final int[] column;
  private final int columns;

  private FeatureOrder(int[] column, int columns) {
    this.column = column;
    this.columns = columns;
  }

  /** Throws {@link ModelMismatchException} if a feature is not among the columns, or twice. */
  public static FeatureOrder of(List<String> features, List<String> columns) {
    Map<String, Integer> first = new HashMap<>();
    Map<String, Integer> second = new HashMap<>();
    for (int c = 0; c < columns.size(); c++) {
      if (first.putIfAbsent(columns.get(c), c) != null) {
        second.putIfAbsent(columns.get(c), c);
      }
    }
    List<String> missing = features.stream().filter(name -> !first.containsKey(name)).toList();
    if (!missing.isEmpty()) {
      throw new ModelMismatchException(
          "%d of the model's %d features are not among the %d columns: '%s'%s"
              .formatted(
                  missing.size(),
                  features.size(),
                  columns.size(),
                  missing.stream()
                      .limit(NAMED_MISSING)
                      .map(Excerpt::of)
                      .collect(Collectors.joining("', '")),
                  missing.size() > NAMED_MISSING ? ", ..." : ""));
    }
    int[] column = new int[features.size()];
    for (int f = 0; f < column.length; f++) {
      String name = features.get(f);
      if (second.containsKey(name)) {
        throw new ModelMismatchException(
            "feature '%s' is in columns %d and %d: which one is meant must be said by another name"
                .formatted(Excerpt.of(name), first.get(name) + 1, second.get(name) + 1));
      }
      column[f] = first.get(name);
    }
    return new FeatureOrder(column, columns.size());
  }

  /**
   * Copies a row of the service [columns] into one of the model [features], another array.
   * Allocates nothing.
   *
   * @throws IllegalArgumentException if an array has another length, or both are the same; nothing
   *     is written then
   */
  public void arrange(double[] values, double[] row) {
    if (values.length != columns || row.length != column.length) {
      throw new IllegalArgumentException(
          "a row of %d columns and one of %d features are needed, found %d and %d"
              .formatted(columns, column.length, values.length, row.length));
    }
    if (values == row) {
      throw new IllegalArgumentException(
          "the columns and the features are the same array: two separate ones are needed");
    }
    for (int f = 0; f < row.length; f++) {
      row[f] = values[column[f]];
    }
  }

  /** Returns the column, from 0, of a feature. */
  public int column(int feature) {
    return column[Checks.index("the order", "feature", feature, column.length)];
  }
}
