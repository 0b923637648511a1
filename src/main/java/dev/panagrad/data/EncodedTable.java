package dev.panagrad.data;

import dev.panagrad.encoding.CategoryColumn;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.NumberColumn;
import dev.panagrad.encoding.TableEncoding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A table with texts and missing cells as one of numbers: the features of a {@link TableEncoding},
 * then targets and other columns, of the rows that are not left out. {@link TableEncoder} makes it
 * for training, {@link #of} for predictions. Closing it closes the table below.
 */
public final class EncodedTable implements Table {
  private final Table below;
  private final TableEncoding encoding;
  private final int[] sources; // column below of each of the encoding's columns
  private final int[] others; // columns below of the columns after the features
  private final BitSet dropped;
  private final long[] droppedWords;
  private final int[] droppedBefore; // rows before each 64
  private final List<String> columns;
  private final long filled;
  private final boolean hasTargets; // the columns after the features, whose classes are known
  private long rowBelow; // while it is handed over
  private int columnBelow;

  EncodedTable(
      Table below,
      TableEncoding encoding,
      int[] sources,
      int[] others,
      BitSet dropped,
      long filled,
      boolean hasTargets) {
    this.filled = filled;
    this.hasTargets = hasTargets;
    this.below = below;
    this.encoding = encoding;
    this.sources = sources;
    this.others = others;
    this.dropped = dropped;
    droppedWords = dropped.toLongArray();
    droppedBefore = new int[droppedWords.length + 1];
    for (int w = 0; w < droppedWords.length; w++) {
      droppedBefore[w + 1] = droppedBefore[w] + Long.bitCount(droppedWords[w]);
    }
    List<String> names = new ArrayList<>(encoding.features());
    for (int other : others) {
      names.add(below.columns().get(other));
    }
    columns = List.copyOf(names);
  }

  /**
   * Makes features by an encoding that was fitted on another table, and adds columns of numbers.
   * Columns are found by name.
   *
   * @param drops whether rows with a missing cell that cannot be filled are left out; else they are
   *     refused
   * @throws DataException if a column is not there, with the nearest name
   */
  public static EncodedTable of(
      Table below, TableEncoding encoding, List<String> further, boolean drops) {
    TableReader reader = TableReader.of(below);
    int[] sources = encoding.names().stream().mapToInt(n -> reader.named(n, "column")).toArray();
    int[] others = further.stream().mapToInt(n -> reader.named(n, "column")).toArray();
    BitSet dropped = new BitSet();
    if (drops) {
      int[] all = new int[sources.length + others.length];
      System.arraycopy(sources, 0, all, 0, sources.length);
      System.arraycopy(others, 0, all, sources.length, others.length);
      MissingOnly unfillable =
          (row, selected) -> {
            if (selected >= sources.length
                || encoding.missing(selected, (feature, value) -> {}) != null) {
              dropped.set(Math.toIntExact(row));
            }
          };
      below.read(all, unfillable);
    }
    return new EncodedTable(below, encoding, sources, others, dropped, 0, false);
  }

  /** Sees missing cells only. */
  @FunctionalInterface
  private interface MissingOnly extends Values {
    @Override
    default void number(long row, int selected, double value) {
      if (Double.isNaN(value)) {
        missing(row, selected);
      }
    }

    @Override
    default void text(long row, int selected, String text) {}
  }

  /** Returns how features are made of the columns below. */
  public TableEncoding encoding() {
    return encoding;
  }

  /** Returns the number of rows below that are left out. */
  public long dropped() {
    return dropped.cardinality();
  }

  /** Returns the number of missing cells of training rows that are filled in. */
  public long filled() {
    return filled;
  }

  /**
   * Returns the rows of each feature in which a number is filled in, by another pass over the
   * columns that have one.
   */
  public Map<Integer, BitSet> filledCells() {
    Map<Integer, BitSet> cells = new TreeMap<>();
    int[] filled =
        IntStream.range(0, filled() == 0 ? 0 : sources.length)
            .filter(
                c -> encoding.columns().get(c) instanceof NumberColumn n && !Double.isNaN(n.fill()))
            .toArray();
    MissingOnly missing =
        (row, selected) -> {
          int at = Math.toIntExact(row);
          if (!dropped.get(at)) {
            int feature = encoding.first(filled[selected]);
            cells.computeIfAbsent(feature, _ -> new BitSet()).set((int) kept(at));
          }
        };
    if (filled.length > 0) {
      below.read(Arrays.stream(filled).map(c -> sources[c]).toArray(), missing);
    }
    return cells;
  }

  /** The row of this table that a row below, which is not left out, is. */
  private long kept(int ofBelow) {
    int word = ofBelow / Long.SIZE;
    return word < droppedWords.length
        ? ofBelow - droppedBefore[word] - Long.bitCount(droppedWords[word] & ((1L << ofBelow) - 1))
        : ofBelow - droppedBefore[droppedWords.length];
  }

  /** True if a row below is one of this table. */
  public boolean hasRow(long rowOfBelow) {
    return !dropped.get(Math.toIntExact(rowOfBelow));
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public List<String> columns() {
    return columns;
  }

  @Override
  public boolean hasNames() {
    return true;
  }

  @Override
  public long rows() {
    return below.rows() - dropped();
  }

  @Override
  public String place(long row, int column) {
    return below.place(rowBelow, columnBelow);
  }

  @Override
  public void read(int[] selected, Values into) {
    int d = encoding.features().size();
    int[] places = new int[columns.size()]; // of each column in what was asked for
    Arrays.fill(places, -1);
    for (int i = 0; i < selected.length; i++) {
      places[selected[i]] = i;
    }
    // The columns below, and which of the encoding's or, from there on, of the others each is.
    int[] read = new int[sources.length + others.length];
    int[] which = new int[read.length];
    int count = 0;
    for (int c = 0; c < read.length; c++) {
      boolean isFeature = c < sources.length;
      int from = isFeature ? encoding.first(c) : d + c - sources.length;
      int to = isFeature ? (c + 1 < sources.length ? encoding.first(c + 1) : d) : from + 1;
      if (Arrays.stream(places, from, to).anyMatch(place -> place >= 0)) {
        read[count] = isFeature ? sources[c] : others[c - sources.length];
        which[count++] = c;
      }
    }
    below.read(Arrays.copyOf(read, count), new Encoder(places, which, count, into));
  }

  /** Encodes cells while they are handed over. */
  private final class Encoder implements Values, TableEncoding.Features {
    private final int[] places;
    private final int[] which;
    private final Values into;
    private final double[] passed; // a row whose numbers are features as they are, or null
    private final double[] positives; // of each column below, the class that is 1 as a number
    private final double[] negatives;
    private long row;

    Encoder(int[] places, int[] which, int count, Values into) {
      this.places = places;
      this.which = which;
      this.into = into;
      boolean isPassed =
          IntStream.range(0, count)
              .allMatch(
                  i ->
                      which[i] < sources.length
                          ? encoding.isPassed(which[i]) && places[encoding.first(which[i])] == i
                          : place(i) == i);
      passed = isPassed ? new double[count] : null;
      positives = new double[count];
      negatives = new double[count];
      for (int i = 0; i < count; i++) {
        ClassLabels labels = which[i] < sources.length ? null : labels(i);
        positives[i] = labels == null ? Double.NaN : CategoryColumn.number(labels.positive());
        negatives[i] = labels == null ? Double.NaN : CategoryColumn.number(labels.negative());
      }
    }

    /** Cell by cell where anything is unusual, as the place of a wrong one is that of a cell. */
    @Override
    public void numbers(long ofBelow, double[] values, int from, int count) {
      if (passed == null || dropped.get(Math.toIntExact(ofBelow)) || !pass(values, from, count)) {
        Values.super.numbers(ofBelow, values, from, count);
        return;
      }
      into.numbers(kept(Math.toIntExact(ofBelow)), passed, 0, count);
    }

    private boolean pass(double[] values, int from, int count) {
      boolean allPass = true;
      for (int i = 0; i < count; i++) {
        double value = values[from + i];
        passed[i] = value;
        allPass &= Math.abs(value) <= Float.MAX_VALUE; // which NaN is not
        if (which[i] >= sources.length && hasTargets) {
          boolean isPositive = value == positives[i];
          boolean isClass = labels(i) != null;
          allPass &= !isClass || isPositive || value == negatives[i];
          passed[i] = isClass ? (isPositive ? 1 : 0) : value;
        }
      }
      return allPass;
    }

    private boolean isDropped(long ofBelow, int selected) {
      rowBelow = ofBelow;
      int c = which[selected];
      columnBelow = c < sources.length ? sources[c] : others[c - sources.length];
      int at = Math.toIntExact(ofBelow);
      row = kept(at);
      return dropped.get(at);
    }

    @Override
    public void set(int feature, double value) {
      if (places[feature] >= 0) {
        into.number(row, places[feature], value);
      }
    }

    private int place(int selected) {
      return places[encoding.features().size() + which[selected] - sources.length];
    }

    private ClassLabels labels(int selected) {
      int target = which[selected] - sources.length;
      return hasTargets ? encoding.classes(target) : null;
    }

    @Override
    public void number(long ofBelow, int selected, double value) {
      if (isDropped(ofBelow, selected)) {
        return;
      }
      if (which[selected] < sources.length) {
        String problem = encoding.number(which[selected], value, this);
        if (problem != null) {
          check(problem, Double.toString(value));
        }
      } else if (labels(selected) != null) {
        text(ofBelow, selected, CategoryColumn.text(value));
      } else {
        into.number(row, place(selected), value);
      }
    }

    @Override
    public void text(long ofBelow, int selected, String text) {
      if (isDropped(ofBelow, selected)) {
        return;
      }
      if (which[selected] < sources.length) {
        check(encoding.text(which[selected], text, this), text);
        return;
      }
      ClassLabels labels = labels(selected);
      if (labels == null) {
        into.text(row, place(selected), text);
      } else if (text.equals(labels.positive()) || text.equals(labels.negative())) {
        into.number(row, place(selected), text.equals(labels.positive()) ? 1 : 0);
      } else {
        check("is none of the classes", text);
      }
    }

    @Override
    public void missing(long ofBelow, int selected) {
      if (isDropped(ofBelow, selected)) {
        return;
      }
      if (which[selected] < sources.length) {
        check(encoding.missing(which[selected], this), null);
      } else {
        into.missing(row, place(selected));
      }
    }

    private void check(String problem, String found) {
      if (problem != null) {
        throw below.wrong(rowBelow, columnBelow, found == null ? null : "'" + found + "'", problem);
      }
    }
  }

  @Override
  public void close() {
    below.close();
  }
}
