package dev.panagrad.data;

import dev.panagrad.data.UnusableColumnsException.Remedy;
import dev.panagrad.data.UnusableColumnsException.Unusable;
import dev.panagrad.encoding.CategoryColumn;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.Column;
import dev.panagrad.encoding.NumberColumn;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Fits an encoding to the training rows of a table: categories to levels, missing cells to means or
 * medians, classes to 0 and 1.
 *
 * <p>Cost: one pass over the table for what its cells are, and one more where missing cells are
 * filled, or rows are held out; all rows that are left are then encoded while they are read.
 * Memory: a bit a row, and for medians all numbers, 8 bytes each, while they are fitted.
 */
public final class TableEncoder {
  private static final int SHOWN_LEVELS = 5;

  private final TableReader reader;
  private MissingCells missing = MissingCells.ERROR;
  private Set<String> categorical = Set.of();
  private boolean isAutomatic;
  private boolean hasBaseline = true;
  private boolean acceptsUnseen;
  private int maximumLevels = 100;
  private boolean hasClasses;
  private String positive;
  private double heldOut;
  private long seed;
  private String weights;

  private TableEncoder(TableReader reader) {
    this.reader = reader;
  }

  /** Makes an encoder of the features and targets that a reader chose. */
  public static TableEncoder of(TableReader reader) {
    return new TableEncoder(reader);
  }

  /** Sets what is done about missing cells; {@link MissingCells#ERROR} unless it is called. */
  public TableEncoder missing(MissingCells cells) {
    missing = Objects.requireNonNull(cells, "missing cells");
    return this;
  }

  /** Makes categories of these features, whatever they hold. */
  public TableEncoder categorical(List<String> columns) {
    categorical = Set.copyOf(columns);
    return this;
  }

  /** Makes categories of the features that have a text in any cell. */
  public TableEncoder automaticCategories() {
    isAutomatic = true;
    return this;
  }

  /** Gives the first level a feature too, which else is what the others are compared to. */
  public TableEncoder withoutBaseline() {
    hasBaseline = false;
    return this;
  }

  /** Accepts a text that no training row has, as zeros; else it is refused. */
  public TableEncoder acceptUnseen() {
    acceptsUnseen = true;
    return this;
  }

  /** Sets the most levels of a category; 100 unless it is called. */
  public TableEncoder maximumLevels(int levels) {
    maximumLevels = (int) Checks.count("levels", levels);
    return this;
  }

  /**
   * Takes two values of any kind for targets: of two numbers the larger is trained as 1, of {@code
   * true} or {@code yes} and another text the former.
   */
  public TableEncoder classes() {
    hasClasses = true;
    return this;
  }

  /** Takes two classes, of which that value is trained as 1. */
  public TableEncoder positive(String label) {
    positive = Objects.requireNonNull(label, "label");
    return classes();
  }

  /** Fits means and levels without the rows that a training with these options holds out. */
  public TableEncoder heldOut(double fraction, long chosenBy) {
    heldOut = Checks.fraction("fraction of held-out rows", fraction);
    seed = chosenBy;
    return this;
  }

  /** Names the column of weights, one of those after the targets: rows of weight 0 are left out. */
  public TableEncoder weights(String column) {
    weights = column;
    return this;
  }

  /**
   * Fits the encoding.
   *
   * @throws UnusableColumnsException if columns hold what these options do not take: all of them
   * @throws DataException if no row is left, or the table cannot be read
   */
  public EncodedTable fit() {
    Table table = reader.table();
    int[] x = reader.featureColumns();
    int[] y = reader.targetColumns();
    requireCategorical(table, x);
    boolean looksAtFeatures =
        missing != MissingCells.ERROR || isAutomatic || !categorical.isEmpty();
    Findings found = look(looksAtFeatures);
    TableSurvey survey = found.survey;
    BitSet dropped = found.without;
    if (missing != MissingCells.ERROR) {
      dropped.or(survey.rowsWithoutTarget);
    }
    if (missing == MissingCells.DROP) {
      dropped.or(survey.rowsWithoutFeature);
    }
    long rows = table.rows() - dropped.cardinality();
    if (rows == 0) {
      throw new DataException(
          table.name() + ": no row is left; each has a missing cell, or weight 0");
    }
    BitSet trained = trained(table.rows(), dropped, rows);
    TrainedCells cells =
        missing.fills() || (looksAtFeatures && trained.cardinality() < table.rows())
            ? TrainedCells.of(table, x, found.isCategory, trained, missing == MissingCells.MEDIAN)
            : null;
    List<Column> columns = fit(table, x, found, cells);
    long filled = missing.fills() ? cells.missing() : 0;
    return new EncodedTable(table, encoding(columns, found.classes), x, y, dropped, filled, true);
  }

  /** Throws {@link UnusableColumnsException} if these options do not take all columns. */
  public void requireUsable() {
    look(true);
  }

  /** What the columns are; features that are not looked at are numbers. */
  @SuppressWarnings("ArrayRecordComponent") // read, not compared
  private record Findings(
      TableSurvey survey, boolean[] isCategory, List<ClassLabels> classes, BitSet without) {}

  private Findings look(boolean looksAtFeatures) {
    Table table = reader.table();
    int[] x = looksAtFeatures ? reader.featureColumns() : new int[0];
    int[] y = reader.targetColumns();
    BitSet without = weights == null ? new BitSet() : WeightlessRows.of(reader, weights);
    TableSurvey survey =
        TableSurvey.of(table, TableReader.joined(x, y), x.length, maximumLevels, without);
    boolean[] isCategory = new boolean[reader.featureColumns().length];
    List<Unusable> unusable = new ArrayList<>();
    for (int c = 0; c < x.length; c++) {
      isCategory[c] =
          categorical.contains(table.columns().get(x[c]))
              || (isAutomatic && survey.column(c).texts > 0);
      refuseFeature(table, survey.column(c), isCategory[c], unusable);
    }
    List<ClassLabels> classes = new ArrayList<>();
    for (int j = 0; j < y.length; j++) {
      classes.add(refuseTarget(table, survey.column(x.length + j), j, unusable));
    }
    if (!unusable.isEmpty()) {
      throw new UnusableColumnsException(table.name(), unusable);
    }
    return new Findings(survey, isCategory, classes, without);
  }

  private static TableEncoding encoding(List<Column> columns, List<ClassLabels> classes) {
    try {
      return new TableEncoding(columns, classes);
    } catch (IllegalArgumentException e) {
      throw new DataException(e.getMessage(), e);
    }
  }

  private void requireCategorical(Table table, int[] x) {
    List<String> names = Arrays.stream(x).mapToObj(table.columns()::get).toList();
    for (String column : categorical) {
      if (!names.contains(column)) {
        throw new DataException(
            "%s: there is no feature '%s' to take for categories; did you mean '%s'?"
                .formatted(table.name(), column, NearestName.of(column, names)));
      }
    }
  }

  private void refuseFeature(
      Table table, TableSurvey.Found found, boolean isCategory, List<Unusable> unusable) {
    List<String> problems = new ArrayList<>();
    List<Remedy> remedies = new ArrayList<>();
    if (isCategory && found.isBeyondLimit()) {
      problems.add("has more than %,d levels: %s".formatted(maximumLevels, examples(found)));
      remedies.add(Remedy.EXCLUDE);
    } else if (!isCategory && found.texts > 0) {
      problems.add(found.textsInWords());
      remedies.add(remedy(found));
    }
    if (missing == MissingCells.ERROR && found.missing > 0) {
      problems.add(found.missingInWords());
      remedies.add(Remedy.MISSING);
    }
    if (!isCategory && found.missing == table.rows()) {
      remedies.clear();
      remedies.add(Remedy.EXCLUDE);
      if (missing.fills()) {
        problems.add(found.missingInWords());
      }
    }
    if (!problems.isEmpty()) {
      String name = table.columns().get(found.column);
      unusable.add(new Unusable(name, String.join(", and ", problems), remedies, found.marks()));
    }
  }

  private static Remedy remedy(TableSurvey.Found found) {
    if (!found.marks().isEmpty()) {
      return Remedy.MARK;
    }
    return found.isName() ? Remedy.EXCLUDE : Remedy.CATEGORICAL;
  }

  private static String examples(TableSurvey.Found found) {
    List<String> levels = found.levels();
    String some = String.join(", ", levels.stream().limit(SHOWN_LEVELS).toList());
    return levels.size() > SHOWN_LEVELS ? some + ", ..." : some;
  }

  /** The classes of a target, or null for one of numbers. */
  private ClassLabels refuseTarget(
      Table table, TableSurvey.Found found, int target, List<Unusable> unusable) {
    String name = table.columns().get(found.column);
    if (missing == MissingCells.ERROR && found.missing > 0) {
      unusable.add(new Unusable(name, found.missingInWords(), List.of(Remedy.MISSING), List.of()));
    }
    boolean isTarget = target < reader.targetCount();
    if (!isTarget || !hasClasses) {
      if (found.texts > 0) {
        List<Remedy> remedies = found.marks().isEmpty() ? List.of() : List.of(Remedy.MARK);
        unusable.add(new Unusable(name, found.textsInWords(), remedies, found.marks()));
      }
      return null;
    }
    if (found.firstInfinite() != null) {
      String problem = "has an infinite cell where a class is needed, the first at ";
      unusable.add(new Unusable(name, problem + found.firstInfinite(), List.of(), List.of()));
      return null;
    }
    Set<Object> values = found.values();
    if (positive == null && Set.of(0.0, 1.0).containsAll(values)) {
      return null;
    }
    List<String> levels = found.levels();
    if (levels.size() != 2) {
      unusable.add(
          new Unusable(
              name,
              "has %s value%s where two classes are needed: %s%s"
                  .formatted(
                      found.isBeyondLimit() ? "more than " + maximumLevels : levels.size(),
                      levels.size() == 1 ? "" : "s",
                      examples(found),
                      found.third() == null ? "" : "; the first of a third at " + found.third()),
              List.of(),
              List.of()));
      return null;
    }
    int one = positive(values, levels);
    if (one < 0) {
      unusable.add(
          new Unusable(
              name,
              positive == null
                  ? "has the classes '%s' and '%s', and which of them is positive is not said"
                      .formatted(levels.get(0), levels.get(1))
                  : "has the classes '%s' and '%s', and not '%s'"
                      .formatted(levels.get(0), levels.get(1), positive),
              List.of(Remedy.POSITIVE),
              List.of()));
      return null;
    }
    return new ClassLabels(levels.get(1 - one), levels.get(one));
  }

  /** Which of two classes is positive; -1 if that is not known. */
  private int positive(Set<Object> values, List<String> levels) {
    if (positive != null) {
      int exact = levels.indexOf(positive);
      return exact >= 0 || values.stream().anyMatch(value -> value instanceof String)
          ? exact
          : levels.indexOf(number(positive));
    }
    if (values.stream().allMatch(value -> value instanceof Double)) {
      double first = Double.parseDouble(levels.get(0));
      return first > Double.parseDouble(levels.get(1)) ? 0 : 1;
    }
    for (String yes : List.of("true", "yes")) {
      for (int i = 0; i < 2; i++) {
        if (levels.get(i).equalsIgnoreCase(yes)) {
          return i;
        }
      }
    }
    return -1;
  }

  /** The level of a number, however it is written. */
  private static String number(String text) {
    try {
      return CategoryColumn.text(Double.parseDouble(text));
    } catch (NumberFormatException e) {
      return text;
    }
  }

  /** The rows below that are trained on. */
  private BitSet trained(long rowsBelow, BitSet dropped, long rows) {
    BitSet trained = new BitSet();
    trained.set(0, (int) rowsBelow);
    trained.andNot(dropped);
    long out = Math.round(heldOut * rows);
    if (out < 1 || out >= rows) {
      return trained;
    }
    int[] kept = trained.stream().toArray();
    try (TensorArena arena = TensorArena.open("held-out rows")) {
      Tensor index = RowOrder.of(arena, rows, out, seed).index();
      for (long i = rows - out; i < rows; i++) {
        trained.clear(kept[(int) index.getLong(i)]);
      }
    }
    return trained;
  }

  private List<Column> fit(Table table, int[] x, Findings found, TrainedCells cells) {
    List<Column> columns = new ArrayList<>();
    for (int c = 0; c < x.length; c++) {
      String name = table.columns().get(x[c]);
      if (found.isCategory[c]) {
        List<String> levels = cells == null ? found.survey.column(c).levels() : cells.levels(c);
        boolean hasMissing = missing.fills() && cells.missing(c) > 0;
        if (levels.isEmpty() && !hasMissing) {
          throw new DataException(
              "%s: column '%s' has no value in the rows that are trained on"
                  .formatted(table.name(), name));
        }
        columns.add(new CategoryColumn(name, levels, hasMissing, hasBaseline, acceptsUnseen));
      } else if (missing.fills()) {
        boolean hasIndicator = missing == MissingCells.INDICATOR && cells.missing(c) > 0;
        columns.add(new NumberColumn(name, cells.fill(c), hasIndicator));
      } else {
        columns.add(NumberColumn.of(name));
      }
    }
    return columns;
  }
}
