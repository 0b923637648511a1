package dev.panagrad.data;

import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Chooses the columns to predict and those to predict from, and reads them into native memory. */
public final class TableReader {
  private static final int SHOWN_COLUMNS = 20;

  private final Table table;
  private List<String> targets = List.of();
  private List<String> further = List.of();
  private List<String> features = List.of();
  private List<String> excluded = List.of();
  private int[] chosen; // indices of the features, then of the targets; null until needed
  private int chosenFeatures;
  private long[] belowF32; // cells of each column chosen that F32 makes zero or subnormal
  private Map<String, Integer> indices; // of the table's columns, once they are asked for

  private TableReader(Table table) {
    this.table = table;
  }

  /** Makes a reader of that table, which the caller closes. */
  public static TableReader of(Table table) {
    return new TableReader(table);
  }

  /** Chooses the columns to predict, by name or by number from 1. */
  public TableReader targets(List<String> columns) {
    targets = List.copyOf(columns);
    chosen = null;
    return this;
  }

  /** Adds columns that are read after the targets, such as weights; none of them is a feature. */
  public TableReader further(List<String> columns) {
    further = List.copyOf(columns);
    chosen = null;
    return this;
  }

  /** Excludes columns from the features where those are not named. */
  public TableReader exclude(List<String> columns) {
    excluded = List.copyOf(columns);
    chosen = null;
    return this;
  }

  /**
   * Chooses the columns to predict from, by name or by number from 1; if empty, all but the targets
   * and those that are {@link Table#apart}.
   */
  public TableReader features(List<String> columns) {
    features = List.copyOf(columns);
    chosen = null;
    return this;
  }

  /** The columns chosen; throws, with the nearest name, if there is none, or one is twice. */
  private int[] chosen() {
    if (chosen == null) {
      if (targets.isEmpty()) {
        throw new DataException(table.name() + ": name at least one target column");
      }
      int[] wanted = select(targets, "target");
      int[] besides = select(further, "column");
      requireNone(wanted, besides, "a target, and weights or offset");
      int[] y = joined(wanted, besides);
      int[] x =
          features.isEmpty()
              ? others(joined(y, select(excluded, "excluded column")))
              : select(features, "feature");
      requireNone(wanted, x, "a target and a feature");
      requireNone(besides, x, "weights or offset, and a feature");
      if (x.length == 0) {
        throw new DataException(table.name() + ": no feature column is left besides the targets");
      }
      chosenFeatures = x.length;
      chosen = joined(x, y);
    }
    return chosen;
  }

  static int[] joined(int[] first, int[] then) {
    return IntStream.concat(Arrays.stream(first), Arrays.stream(then)).toArray();
  }

  Table table() {
    return table;
  }

  /** Columns that features are read from. */
  int[] featureColumns() {
    return Arrays.copyOf(chosen(), chosenFeatures);
  }

  /** Columns that targets are read from, and then further ones. */
  int[] targetColumns() {
    return Arrays.copyOfRange(chosen(), chosenFeatures, chosen.length);
  }

  int targetCount() {
    return targets.size();
  }

  /** The place of a column among those of the targets and the further ones. */
  int position(String column) {
    int wanted = find(column.strip(), "column");
    return Arrays.stream(targetColumns()).boxed().toList().indexOf(wanted);
  }

  /** Reads F32 or F64 into memory of the arena; throws with the place of what is wrong. */
  public Dataset read(TensorArena arena, DType dtype) {
    int columns = chosen().length;
    int d = chosenFeatures;
    Tensor x = arena.allocate("X", dtype, table.rows(), d);
    Tensor y = arena.allocate("y", dtype, table.rows(), columns - d);
    read(dtype, new DatasetCells(x, y));
    return new Dataset(featureNames(), targetNames(), x, y, encoding());
  }

  /**
   * Returns how the table became these features; null if nothing was encoded, or not all of the
   * features were chosen, in their order.
   */
  public TableEncoding encoding() {
    return table instanceof EncodedTable encoded
            && !encoded.encoding().isPlain()
            && encoded.encoding().features().equals(featureNames())
        ? encoded.encoding()
        : null;
  }

  /** Hands over the cells of the features and then the targets, numbered together from 0. */
  public void read(DType dtype, Table.Cells into) {
    belowF32 = new long[chosen().length];
    table.read(chosen(), dtype, dtype == DType.F32 ? new NormalCells(into) : into);
  }

  /** Counts, by column, what F32 does not hold to all its digits. */
  private final class NormalCells implements Table.Cells {
    private final Table.Cells into;

    NormalCells(Table.Cells into) {
      this.into = into;
    }

    @Override
    public void set(long row, int selected, double value) {
      count(selected, value);
      into.set(row, selected, value);
    }

    @Override
    public void setRow(long row, double[] values, int from, int count) {
      for (int i = 0; i < count; i++) {
        count(i, values[from + i]);
      }
      into.setRow(row, values, from, count);
    }

    private void count(int selected, double value) {
      if (value != 0 && Math.abs(value) < Float.MIN_NORMAL) {
        belowF32[selected]++;
      }
    }
  }

  /**
   * Counts, by column, the cells read as F32 that are zero, or keep few digits, where the table has
   * numbers other than zero.
   */
  public Map<String, Long> belowF32() {
    Map<String, Long> found = new LinkedHashMap<>();
    for (int c = 0; belowF32 != null && c < belowF32.length; c++) {
      if (belowF32[c] > 0) {
        found.put(names().get(c), belowF32[c]);
      }
    }
    return found;
  }

  public long rows() {
    return table.rows();
  }

  /** Returns the names of the features, in the order of their columns in what is read. */
  public List<String> featureNames() {
    return names().subList(0, chosenFeatures);
  }

  public List<String> targetNames() {
    return names().subList(chosenFeatures, chosen.length);
  }

  /**
   * Reads the feature columns and then the offset columns, which are none of them, for predictions.
   * Where the table has names, features are found by name alone: a model's feature '2' is not the
   * second column of another file.
   */
  public Tensor readFeatures(TensorArena arena, DType dtype, List<String> offsets) {
    if (features.isEmpty()) {
      throw new DataException(table.name() + ": name the feature columns");
    }
    int[] x = table.hasNames() ? named() : select(features, "feature");
    int[] further = select(offsets, "offset");
    int[] both = joined(x, further);
    requireNone(further, x, "an offset and a feature");
    Tensor xs = arena.allocate("X", dtype, table.rows(), both.length);
    table.read(both, dtype, new DatasetCells(xs, null));
    return xs;
  }

  private void requireNone(int[] columns, int[] others, String both) {
    BitSet taken = new BitSet();
    Arrays.stream(others).forEach(taken::set);
    for (int column : columns) {
      if (taken.get(column)) {
        throw new DataException(
            "%s: column '%s' is chosen as %s; choose it once"
                .formatted(table.name(), table.columns().get(column), both));
      }
    }
  }

  private int[] named() {
    return features.stream().mapToInt(feature -> named(feature, "feature")).toArray();
  }

  int named(String wanted, String what) {
    Integer index = indexOf(wanted);
    if (index != null) {
      return index;
    }
    String nearest = NearestName.of(wanted, table.columns());
    throw new DataException(
        "%s: there is no %s '%s'; did you mean '%s'? Columns: %s"
            .formatted(table.name(), what, wanted, nearest, abbreviated(table.columns())));
  }

  private int[] select(List<String> wanted, String what) {
    int[] selected = new int[wanted.size()];
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i < selected.length; i++) {
      selected[i] = find(wanted.get(i).strip(), what);
      if (!seen.add(selected[i])) {
        throw new DataException(
            "%s: %s '%s' is selected twice"
                .formatted(table.name(), what, table.columns().get(selected[i])));
      }
    }
    return selected;
  }

  private int find(String wanted, String what) {
    if (indexOf(wanted) != null || !wanted.matches("[0-9]{1,9}")) {
      return named(wanted, what);
    }
    int number = Integer.parseInt(wanted);
    if (number < 1 || number > table.columns().size()) {
      throw new DataException(
          "%s: there is no column %s; there are %d"
              .formatted(table.name(), wanted, table.columns().size()));
    }
    return number - 1;
  }

  private Integer indexOf(String column) {
    if (table.columns() instanceof NumberedColumns numbered) {
      int index = numbered.indexOf(column);
      return index < 0 ? null : index;
    }
    if (indices == null) {
      List<String> columns = table.columns();
      indices = HashMap.newHashMap(columns.size());
      for (int i = 0; i < columns.size(); i++) {
        indices.put(columns.get(i), i);
      }
    }
    return indices.get(column);
  }

  private static String abbreviated(List<String> columns) {
    int more = columns.size() - SHOWN_COLUMNS;
    return more <= 0
        ? String.join(", ", columns)
        : String.join(", ", columns.subList(0, SHOWN_COLUMNS)) + ", and " + more + " more";
  }

  private int[] others(int[] taken) {
    BitSet excluded = new BitSet();
    Arrays.stream(taken).forEach(excluded::set);
    return IntStream.range(0, table.columns().size())
        .filter(c -> !excluded.get(c) && table.apart(c) == null)
        .toArray();
  }

  private List<String> names() {
    return Arrays.stream(chosen()).mapToObj(table.columns()::get).toList();
  }
}
