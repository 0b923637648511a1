package dev.panagrad.data;

import dev.panagrad.encoding.CategoryColumn;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What the cells of columns are: one pass over a table. Memory: a bit a row, and some values. */
final class TableSurvey implements Table.Values {
  private static final int SHOWN_CHARACTERS = 40;
  private static final int MOST_MARKS = 3;
  private static final int FEW_LEVELS = 20;

  /** What was found in one column. */
  final class Found {
    final int column;
    long numbers;
    long texts;
    long missing;
    private String example; // the first text, with its place
    private String firstMissing; // its place
    private String firstInfinite; // likewise
    private String third; // the place of the first of a third value
    private final Set<String> marks = new LinkedHashSet<>(); // texts, at most one too many
    private Set<Object> values = new LinkedHashSet<>(); // of both kinds, at most one too many

    private Found(int column) {
      this.column = column;
    }

    private void add(long row, Object value) {
      if (values.size() <= limit && values.add(value) && values.size() == 3) {
        third = table.place(row, column);
      }
    }

    /** The place of a cell that is infinite, or null. */
    String firstInfinite() {
      return firstInfinite;
    }

    /** The place of the first of a third value; null if there is none. */
    String third() {
      return third;
    }

    boolean isBeyondLimit() {
      return values.size() > limit;
    }

    /** A few texts among numbers, such as dashes; empty if they are something else. */
    List<String> marks() {
      boolean isMarked =
          numbers > texts
              && marks.size() <= MOST_MARKS
              && marks.stream().noneMatch(text -> text.contains(","));
      return isMarked ? List.copyOf(marks) : List.of();
    }

    /** True if more than half of its cells differ, as names and identifiers do. */
    boolean isName() {
      return isBeyondLimit()
          || (values.size() > FEW_LEVELS && 2L * values.size() > table.rows() - missing);
    }

    /** The values as levels of a category, sorted. */
    List<String> levels() {
      return TableSurvey.levels(values);
    }

    Set<Object> values() {
      return values;
    }

    /** How many cells are texts, and an example. */
    String textsInWords() {
      return "has texts in %,d of %,d cells, such as %s".formatted(texts, table.rows(), example);
    }

    String missingInWords() {
      return "has no value in %,d of %,d cells, the first at %s"
          .formatted(missing, table.rows(), firstMissing);
    }
  }

  private final Table table;
  private final int features; // columns before those of targets
  private final int limit;
  private final BitSet without; // rows that are not looked at
  private final Found[] found;
  final BitSet rowsWithoutFeature = new BitSet();
  final BitSet rowsWithoutTarget = new BitSet();

  private TableSurvey(Table table, int[] columns, int features, int limit, BitSet without) {
    this.without = without;
    this.table = table;
    this.features = features;
    this.limit = limit;
    found = new Found[columns.length];
    for (int i = 0; i < found.length; i++) {
      found[i] = new Found(columns[i]);
    }
  }

  /**
   * Looks at columns, of which the first are features.
   *
   * @param limit different values that are kept of a column, at most
   * @param without rows that are left out, whatever they hold
   */
  static TableSurvey of(Table table, int[] columns, int features, int limit, BitSet without) {
    if (table.rows() > Integer.MAX_VALUE) {
      throw new DataException(
          "%s has %,d rows; texts and missing cells are encoded for up to %,d"
              .formatted(table.name(), table.rows(), Integer.MAX_VALUE));
    }
    TableSurvey survey = new TableSurvey(table, columns, features, limit, without);
    table.read(columns, survey);
    return survey;
  }

  Found column(int selected) {
    return found[selected];
  }

  static List<String> levels(Collection<Object> values) {
    return values.stream()
        .map(value -> value instanceof Double number ? CategoryColumn.text(number) : (String) value)
        .distinct()
        .sorted()
        .toList();
  }

  @Override
  public void number(long row, int selected, double value) {
    if (Double.isNaN(value)) {
      missing(row, selected);
    } else if (!without.get((int) row)) {
      Found column = found[selected];
      column.numbers++;
      if (Double.isInfinite(value) && column.firstInfinite == null) {
        column.firstInfinite = table.place(row, column.column);
      }
      if (!column.isBeyondLimit()) {
        column.add(row, value + 0.0); // which makes an object of it, the same of 0 and -0
      }
    }
  }

  @Override
  public void text(long row, int selected, String text) {
    if (without.get((int) row)) {
      return;
    }
    Found column = found[selected];
    if (column.texts++ == 0) {
      String shown =
          text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
      column.example = "'%s' (%s)".formatted(shown, table.place(row, column.column));
    }
    if (column.marks.size() <= MOST_MARKS) {
      column.marks.add(text);
    }
    column.add(row, text);
  }

  @Override
  public void missing(long row, int selected) {
    if (without.get((int) row)) {
      return;
    }
    Found column = found[selected];
    if (column.missing++ == 0) {
      column.firstMissing = table.place(row, column.column);
    }
    (selected < features ? rowsWithoutFeature : rowsWithoutTarget).set((int) row);
  }
}
