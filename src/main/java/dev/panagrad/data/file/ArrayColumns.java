package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The columns of a file of arrays that have the same number of rows.
 *
 * <p>A single array has the columns "1", "2", and so on, whatever its name. Of several, a vector or
 * a matrix of one column gives the column NAME, a matrix of d columns NAME1 to NAMEd. Fields of
 * records are columns under their own names.
 */
public final class ArrayColumns {
  /**
   * Columns that a table has at most. A file of a few bytes can be said to have any number, and
   * names take memory that its bytes would not.
   */
  public static final int MAX_COLUMNS = 1 << 20;

  /**
   * An array of the file.
   *
   * @param name in the file
   * @param rows at least 1
   * @param columns at least 1
   * @param fields names of the columns, if the array has such; else empty
   */
  public record Member(String name, long rows, int columns, List<String> fields) {}

  /** What is asked for of one array. */
  public static final class Selection {
    private final int[] columns;
    private final int[] selected;

    private Selection(int[] columns, int[] selected) {
      this.columns = columns;
      this.selected = selected;
    }

    public int count() {
      return columns.length;
    }

    /** A column of the array, from 0; they ascend. */
    public int column(int i) {
      return columns[i];
    }

    /** Where that column is in what was asked for. */
    public int selected(int i) {
      return selected[i];
    }
  }

  private final List<Member> members;
  private final int[] first;
  private final List<String> names;
  private final boolean hasNames;

  /**
   * The columns of those arrays.
   *
   * @param table what messages call the file
   * @throws DataException if there is no array, rows differ, two columns would have one name, or
   *     there are more than {@value #MAX_COLUMNS}
   */
  public ArrayColumns(String table, List<Member> members) {
    this.members = List.copyOf(members);
    if (members.isEmpty()) {
      throw new DataException(table + " has no arrays");
    }
    first = new int[members.size()];
    long columns = 0;
    Member one = members.getFirst();
    for (int i = 0; i < first.length; i++) {
      Member member = members.get(i);
      if (member.rows() != one.rows()) {
        throw new DataException(
            "%s: array '%s' has %,d rows, and array '%s' has %,d; save arrays with a row for each row of the table alone"
                .formatted(table, one.name(), one.rows(), member.name(), member.rows()));
      }
      first[i] = (int) columns;
      columns += member.columns();
      if (columns > MAX_COLUMNS) {
        throw new DataException(
            "%s has %,d columns or more; at most %,d are read"
                .formatted(table, columns, MAX_COLUMNS));
      }
    }
    hasNames = members.size() > 1 || !one.fields().isEmpty();
    names = hasNames ? List.copyOf(names(table)) : NumberedColumns.of((int) columns);
  }

  private List<String> names(String table) {
    Map<String, String> owners = new HashMap<>();
    List<String> all = new ArrayList<>();
    for (Member member : members) {
      for (int c = 0; c < member.columns(); c++) {
        String column = name(member, c);
        String owner = owners.put(column, member.name());
        if (owner != null) {
          throw new DataException(
              "%s: arrays '%s' and '%s' both give a column '%s'; rename one of them"
                  .formatted(table, owner, member.name(), column));
        }
        all.add(column);
      }
    }
    return all;
  }

  private static String name(Member member, int column) {
    if (!member.fields().isEmpty()) {
      return member.fields().get(column);
    }
    return member.columns() == 1 ? member.name() : member.name() + (column + 1);
  }

  /** All names. */
  public List<String> names() {
    return names;
  }

  /** Whether the file has names, and not numbers alone. */
  public boolean hasNames() {
    return hasNames;
  }

  /** Rows of each array. */
  public long rows() {
    return members.getFirst().rows();
  }

  /** The table's column that is the first of an array. */
  public int first(int member) {
    return first[member];
  }

  /**
   * What is asked for of each array, in their order.
   *
   * @param columns of the table, from 0
   */
  public List<Selection> selections(int[] columns) {
    int[] order =
        IntStream.range(0, columns.length)
            .boxed()
            .sorted(Comparator.comparingInt(i -> columns[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    List<Selection> selections = new ArrayList<>();
    int next = 0;
    for (int m = 0; m < first.length; m++) {
      int from = first[m];
      int to = from + members.get(m).columns();
      int begin = next;
      while (next < order.length && columns[order[next]] < to) {
        next++;
      }
      int[] selected = Arrays.copyOfRange(order, begin, next);
      selections.add(
          new Selection(Arrays.stream(selected).map(i -> columns[i] - from).toArray(), selected));
    }
    return selections;
  }
}
