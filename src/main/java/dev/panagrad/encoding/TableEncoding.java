package dev.panagrad.encoding;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns the columns of a table into the features of a model, and the classes of its targets into 0
 * and 1. It is fitted on training rows, kept in the model's file, and applied to rows to predict.
 *
 * <p>Threading: immutable, may be shared freely.
 */
public final class TableEncoding {
  private final List<Column> columns;
  private final List<ClassLabels> classes;
  private final List<String> names;
  private final List<String> features;
  private final int[] first; // feature of each column
  private final List<Map<String, Integer>> levels; // feature of each level; -1 for the baseline
  private final Map<String, Integer> byName;

  /** Receives features. */
  @FunctionalInterface
  public interface Features {
    void set(int feature, double value);
  }

  /**
   * Takes columns in the order of their features.
   *
   * @param classes of each target, null for one of numbers; empty if all are
   * @throws IllegalArgumentException if two columns or features have one name
   */
  public TableEncoding(List<? extends Column> columns, List<ClassLabels> classes) {
    this.columns = List.copyOf(columns);
    this.classes = classes.stream().allMatch(c -> c == null) ? List.of() : new ArrayList<>(classes);
    names = this.columns.stream().map(Column::name).toList();
    first = new int[names.size()];
    List<String> all = new ArrayList<>();
    levels = new ArrayList<>();
    byName = HashMap.newHashMap(names.size());
    for (int c = 0; c < first.length; c++) {
      Column column = this.columns.get(c);
      first[c] = all.size();
      all.addAll(column.features());
      levels.add(column instanceof CategoryColumn category ? places(category, first[c]) : null);
      if (byName.put(column.name(), c) != null) {
        throw new IllegalArgumentException("there are two columns '%s'".formatted(column.name()));
      }
    }
    features = List.copyOf(all);
    Set<String> seen = new HashSet<>();
    for (String feature : features) {
      if (!seen.add(feature)) {
        throw new IllegalArgumentException(
            "two columns give a feature '%s'; rename one of them".formatted(feature));
      }
    }
  }

  private static Map<String, Integer> places(CategoryColumn column, int first) {
    Map<String, Integer> places = new HashMap<>();
    int next = first - (column.hasBaseline() ? 1 : 0);
    for (String level : column.levels()) {
      if (places.put(level, next < first ? -1 : next) != null) {
        throw new IllegalArgumentException(
            "column '%s' has the level '%s' twice".formatted(column.name(), level));
      }
      next++;
    }
    return places;
  }

  /** A level that says so, however it is written, or 1 or 0. */
  private String truth(int column, boolean truth, Features into) {
    if (columns.get(column) instanceof CategoryColumn category) {
      for (String level : category.levels()) {
        if (level.equalsIgnoreCase(Boolean.toString(truth))) {
          return text(column, level, into);
        }
      }
    }
    return number(column, truth ? 1 : 0, into);
  }

  public List<Column> columns() {
    return columns;
  }

  /** Returns the names of the columns. */
  public List<String> names() {
    return names;
  }

  /** Returns the names of the features. */
  public List<String> features() {
    return features;
  }

  /** Returns the classes of a target; null if it is one of numbers. */
  public ClassLabels classes(int target) {
    return classes.isEmpty() ? null : classes.get(target);
  }

  /** Returns how many targets it knows the classes of; 0 if all are of numbers. */
  public int targets() {
    return classes.size();
  }

  /** Returns the first feature of a column. */
  public int first(int column) {
    return first[column];
  }

  /** True if features are the columns, and classes are numbers: there is nothing to encode. */
  public boolean isPlain() {
    return classes.isEmpty()
        && columns.stream()
            .allMatch(c -> c instanceof NumberColumn number && Double.isNaN(number.fill()));
  }

  /**
   * Sets the features of a number, which may be NaN for a missing one; returns what is wrong with
   * it, or null.
   */
  public String number(int column, double value, Features into) {
    if (Double.isNaN(value)) {
      return missing(column, into);
    }
    if (levels.get(column) != null) {
      return text(column, CategoryColumn.text(value), into);
    }
    if (Double.isInfinite(value)) {
      return "is not finite; remove the row or impute it";
    }
    into.set(first[column], value);
    if (((NumberColumn) columns.get(column)).hasIndicator()) {
      into.set(first[column] + 1, 0);
    }
    return null;
  }

  /** True if numbers of that column are one feature, as they are. */
  public boolean isPassed(int column) {
    return columns.get(column) instanceof NumberColumn number && !number.hasIndicator();
  }

  /** Sets the features of a text; returns what is wrong with it, or null. */
  public String text(int column, String text, Features into) {
    Map<String, Integer> places = levels.get(column);
    if (places == null) {
      return "is not a number";
    }
    Integer place = places.get(text);
    CategoryColumn category = (CategoryColumn) columns.get(column);
    if (place == null && !category.acceptsUnseen()) {
      return "is none of the levels that were trained on, in which held-out rows have no part; train with unseen levels as zeros to accept it";
    }
    level(column, place == null ? -1 : place, into);
    return null;
  }

  /** Sets the features of a missing cell; returns what is wrong with it, or null. */
  public String missing(int column, Features into) {
    if (columns.get(column) instanceof NumberColumn number) {
      if (Double.isNaN(number.fill())) {
        return "has no value";
      }
      into.set(first[column], number.fill());
      if (number.hasIndicator()) {
        into.set(first[column] + 1, 1);
      }
      return null;
    }
    CategoryColumn category = (CategoryColumn) columns.get(column);
    if (!category.hasMissing() && !category.acceptsUnseen()) {
      return "has no value; leave out the row, or train with unseen levels as zeros";
    }
    boolean isFeature =
        category.hasMissing() && !(category.hasBaseline() && category.levels().isEmpty());
    level(column, isFeature ? end(column) - 1 : -1, into);
    return null;
  }

  private int end(int column) {
    return column + 1 < first.length ? first[column + 1] : features.size();
  }

  private void level(int column, int place, Features into) {
    for (int f = first[column]; f < end(column); f++) {
      into.set(f, f == place ? 1 : 0);
    }
  }

  /**
   * Returns the features of a row of numbers and texts by the names of the columns; a column that
   * the row does not have, or whose value is null or NaN, is missing. Allocates one small object.
   *
   * @param row values of type Number, Boolean (a level such as "True", or 1 or 0) or String
   * @param into [features]
   * @throws IllegalArgumentException if a value cannot be encoded, or there is no such column, with
   *     its name; what {@code into} holds is then undefined
   */
  public void encode(Map<String, ?> row, double[] into) {
    if (into.length != features.size()) {
      throw new IllegalArgumentException(
          "the row has %,d features, the array %,d".formatted(features.size(), into.length));
    }
    Features features = (f, value) -> into[f] = value;
    int found = 0;
    for (int c = 0; c < first.length; c++) {
      Object value = row.get(names.get(c));
      found += value != null || row.containsKey(names.get(c)) ? 1 : 0;
      String problem = encode(c, value, features);
      if (problem != null) {
        throw new IllegalArgumentException(
            "%scolumn '%s' %s"
                .formatted(value == null ? "" : "'" + value + "' in ", names.get(c), problem));
      }
    }
    if (found < row.size()) {
      String unknown = row.keySet().stream().filter(k -> !byName.containsKey(k)).findFirst().get();
      throw new IllegalArgumentException("there is no column '%s'".formatted(unknown));
    }
  }

  private String encode(int column, Object value, Features into) {
    return switch (value) {
      case null -> missing(column, into);
      case Number number -> number(column, number.doubleValue(), into);
      case Boolean truth -> truth(column, truth, into);
      case String text -> text(column, text, into);
      default -> "is a " + value.getClass().getSimpleName() + " where a number or a text is needed";
    };
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof TableEncoding other
        && columns.equals(other.columns)
        && classes.equals(other.classes);
  }

  @Override
  public int hashCode() {
    return columns.hashCode();
  }

  @Override
  public String toString() {
    return "encoding of %,d columns as %,d features".formatted(names.size(), features.size());
  }
}
