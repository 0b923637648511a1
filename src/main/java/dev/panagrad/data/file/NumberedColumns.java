package dev.panagrad.data.file;

import java.util.AbstractList;
import java.util.Comparator;
import java.util.Objects;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/** Names "1", "2", and so on, made when they are asked for: a small file may have a million. */
public final class NumberedColumns extends AbstractList<String> implements RandomAccess {
  /** Columns that a table has at most, as their names take memory that a file's bytes do not. */
  public static final int MAX_COLUMNS = 1 << 20;

  private final String label;
  private final int count;

  private NumberedColumns(String label, int count) {
    this.label = label;
    this.count = count;
  }

  /** Columns from "1" on. */
  public static NumberedColumns of(int count) {
    return new NumberedColumns(null, count);
  }

  /** A label, and then columns from "1" on. */
  public static NumberedColumns after(String label, int count) {
    return new NumberedColumns(label, count);
  }

  /** Positions of these numbers, from that of the least on. */
  public static int[] ascending(int[] columns) {
    return IntStream.range(0, columns.length)
        .boxed()
        .sorted(Comparator.comparingInt(i -> columns[i]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  @Override
  public String get(int index) {
    Objects.checkIndex(index, size());
    return label != null && index == 0 ? label : Integer.toString(index + 1 - labels());
  }

  @Override
  public int size() {
    return count + labels();
  }

  private int labels() {
    return label == null ? 0 : 1;
  }

  @Override
  public int indexOf(Object name) {
    if (label != null && label.equals(name)) {
      return 0;
    }
    if (!(name instanceof String text) || !text.matches("[1-9][0-9]{0,9}")) {
      return -1;
    }
    long number = Long.parseLong(text);
    return number <= count ? (int) number - 1 + labels() : -1;
  }

  @Override
  public boolean contains(Object name) {
    return indexOf(name) >= 0;
  }
}
