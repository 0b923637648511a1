package dev.panagrad.data;

import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Which columns of a table are predicted, and which from; reads them into native memory. */
public final class TableReader {
  private static final int SHOWN_COLUMNS = 20;

  private final Table table;
  private List<String> targets = List.of();
  private List<String> features = List.of();

  /** What was chosen, once it is asked for. */
  private Selected selected;

  /** Of the table's columns, once they are asked for. */
  private Map<String, Integer> indices;

  private TableReader(Table table) {
    this.table = table;
  }

  /** A reader of that table, which the caller closes. */
  public static TableReader of(Table table) {
    return new TableReader(table);
  }

  /** The columns to predict, by name or by number from 1. */
  public TableReader targets(List<String> columns) {
    targets = List.copyOf(columns);
    selected = null;
    return this;
  }

  /**
   * The columns to predict from, by name or by number from 1; all that are not targets if empty.
   */
  public TableReader features(List<String> columns) {
    features = List.copyOf(columns);
    selected = null;
    return this;
  }

  /** Indices of the columns chosen in {@link Table#columns}, from 0. */
  private static final class Selected {
    final int[] features;
    final int[] targets;

    Selected(int[] features, int[] targets) {
      this.features = features;
      this.targets = targets;
    }
  }

  /**
   * The columns chosen, checked.
   *
   * @throws DataException if one does not exist or is chosen twice, with the nearest name
   */
  private Selected selected() {
    if (selected == null) {
      selected = select();
    }
    return selected;
  }

  private Selected select() {
    if (targets.isEmpty()) {
      throw new DataException(table.name() + ": name at least one target column");
    }
    int[] y = select(targets, "target");
    int[] x = features.isEmpty() ? others(y) : select(features, "feature");
    requireNoFeature(y, x, "target");
    if (x.length == 0) {
      throw new DataException(table.name() + ": no feature column is left besides the targets");
    }
    return new Selected(x, y);
  }

  /**
   * Reads.
   *
   * @param arena owner of the tensors
   * @param dtype F32 or F64
   * @throws DataException with the place of what is wrong; nothing but the arena's memory was used
   */
  public Dataset read(TensorArena arena, DType dtype) {
    Selected chosen = selected();
    int d = chosen.features.length;
    Tensor x = arena.allocate("X", dtype, table.rows(), d);
    Tensor y = arena.allocate("y", dtype, table.rows(), chosen.targets.length);
    read(
        dtype,
        (row, c, value) -> {
          if (c < d) {
            x.set(row, c, value);
          } else {
            y.set(row, c - d, value);
          }
        });
    return new Dataset(featureNames(), targetNames(), x, y);
  }

  /**
   * Hands over the cells of the features and then of the targets, numbered together from 0.
   *
   * @param dtype F32 or F64: what values have to fit
   * @throws DataException as {@link #read(TensorArena, DType)}
   */
  public void read(DType dtype, Table.Cells into) {
    Selected chosen = selected();
    int d = chosen.features.length;
    int[] both = Arrays.copyOf(chosen.features, d + chosen.targets.length);
    System.arraycopy(chosen.targets, 0, both, d, chosen.targets.length);
    table.read(both, dtype, into);
  }

  /**
   * Names of the features, in the order of their columns in what is read.
   *
   * @throws DataException as {@link #read(TensorArena, DType)}
   */
  public List<String> featureNames() {
    return names(selected().features);
  }

  /**
   * Names of the targets.
   *
   * @throws DataException as {@link #read(TensorArena, DType)}
   */
  public List<String> targetNames() {
    return names(selected().targets);
  }

  /**
   * Reads the feature columns alone, for predictions. Where the table has names, by name alone: a
   * model's feature '2' is not the second column of another file.
   *
   * @param arena owner of the tensor
   * @param dtype F32 or F64
   * @throws DataException as {@link #read}
   */
  public Tensor readFeatures(TensorArena arena, DType dtype) {
    return readFeatures(arena, dtype, List.of());
  }

  /**
   * The same with offset columns after the features.
   *
   * @param offsets by name or by number from 1; none a feature
   */
  public Tensor readFeatures(TensorArena arena, DType dtype, List<String> offsets) {
    if (features.isEmpty()) {
      throw new DataException(table.name() + ": name the feature columns");
    }
    int[] x = table.hasNames() ? named() : select(features, "feature");
    int[] further = select(offsets, "offset");
    int[] both = Arrays.copyOf(x, x.length + further.length);
    System.arraycopy(further, 0, both, x.length, further.length);
    requireNoFeature(further, x, "offset");
    Tensor xs = arena.allocate("X", dtype, table.rows(), both.length);
    table.read(both, dtype, xs::set);
    return xs;
  }

  private void requireNoFeature(int[] columns, int[] featureColumns, String what) {
    BitSet predictors = new BitSet();
    Arrays.stream(featureColumns).forEach(predictors::set);
    for (int column : columns) {
      if (predictors.get(column)) {
        throw new DataException(
            "%s: column '%s' is both %s and feature"
                .formatted(table.name(), table.columns().get(column), what));
      }
    }
  }

  private int[] named() {
    int[] selected = new int[features.size()];
    for (int i = 0; i < selected.length; i++) {
      Integer index = indexOf(features.get(i));
      if (index == null) {
        throw missing(features.get(i), "feature");
      }
      selected[i] = index;
    }
    return selected;
  }

  private DataException missing(String wanted, String what) {
    return new DataException(
        "%s: there is no %s '%s'; did you mean '%s'? Columns: %s"
            .formatted(
                table.name(),
                what,
                wanted,
                NearestName.of(wanted, table.columns()),
                abbreviated(table.columns())));
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
    Integer byName = indexOf(wanted);
    if (byName != null) {
      return byName;
    }
    if (wanted.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(wanted);
      if (number >= 1 && number <= table.columns().size()) {
        return number - 1;
      }
      throw new DataException(
          "%s: there is no column %s; there are %d"
              .formatted(table.name(), wanted, table.columns().size()));
    }
    throw missing(wanted, what);
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
    return columns.size() <= SHOWN_COLUMNS
        ? String.join(", ", columns)
        : String.join(", ", columns.subList(0, SHOWN_COLUMNS))
            + ", and "
            + (columns.size() - SHOWN_COLUMNS)
            + " more";
  }

  private int[] others(int[] taken) {
    BitSet excluded = new BitSet();
    Arrays.stream(taken).forEach(excluded::set);
    return IntStream.range(0, table.columns().size()).filter(c -> !excluded.get(c)).toArray();
  }

  private List<String> names(int[] selected) {
    return Arrays.stream(selected).mapToObj(table.columns()::get).toList();
  }
}
