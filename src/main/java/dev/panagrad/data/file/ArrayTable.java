package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of arrays that have the same number of rows, as a table; others may be there.
 *
 * <p>A single array has the columns "1", "2", and so on, whatever its name. Of several, a vector or
 * a matrix of one column gives the column NAME, a matrix of d columns NAME1 to NAMEd. Fields of
 * records are columns under their own names.
 */
public abstract class ArrayTable implements Table {
  private final String name;
  private final List<Member> members;
  private final int[] first;
  private final long rows;
  private final List<String> columns;
  private final boolean hasNames;

  /**
   * An array of the file.
   *
   * @param fields names of its columns; empty if it has none
   * @param refusal why it is none of the table's, in a message of its own; null if it may be
   */
  public record Member(String name, long rows, int columns, List<String> fields, String refusal) {
    /** An array that may be of the table. */
    public Member(String name, long rows, int columns, List<String> fields) {
      this(name, rows, columns, fields, null);
    }

    /** An array that cannot be read as columns: one column, which is refused where it is named. */
    public static Member refused(String name, String refusal) {
      return new Member(name, 0, 1, List.of(), refusal);
    }
  }

  /**
   * A table of those arrays. Its rows are those that most of its columns have, and arrays of other
   * lengths are no features unless they are named, and then refused. Throws if there is no array,
   * as many columns have other rows, two columns would have one name, or there are more than
   * {@value NumberedColumns#MAX_COLUMNS}.
   */
  protected ArrayTable(String name, List<Member> members) {
    this.name = name;
    if (members.isEmpty()) {
      throw new DataException(name + " has no arrays");
    }
    Member one = first(name, members);
    rows = one.rows;
    this.members = members.stream().map(member -> checked(name, member, one)).toList();
    first = new int[members.size()];
    long count = 0;
    for (int i = 0; i < first.length; i++) {
      first[i] = (int) count;
      count += this.members.get(i).columns;
      if (count > NumberedColumns.MAX_COLUMNS) {
        throw new DataException(
            "%s has %,d columns or more; at most %,d are read"
                .formatted(name, count, NumberedColumns.MAX_COLUMNS));
      }
    }
    hasNames = members.size() > 1 || !one.fields.isEmpty();
    columns = hasNames ? List.copyOf(uniqueNames()) : NumberedColumns.of((int) count);
  }

  /** The first array of those whose length most columns have. */
  private static Member first(String name, List<Member> members) {
    Map<Long, Long> columnsByRows = new HashMap<>();
    Map<Long, Member> firstByRows = new LinkedHashMap<>();
    for (Member member : members) {
      if (member.refusal == null) {
        columnsByRows.merge(member.rows, (long) member.columns, Long::sum);
        firstByRows.putIfAbsent(member.rows, member);
      }
    }
    if (firstByRows.isEmpty()) {
      throw new DataException(members.getFirst().refusal);
    }
    long most = Collections.max(columnsByRows.values());
    List<Member> firsts =
        firstByRows.values().stream().filter(m -> columnsByRows.get(m.rows) == most).toList();
    if (firsts.size() > 1) {
      throw new DataException(otherRows(name, firsts.get(0), firsts.get(1)));
    }
    return firsts.getFirst();
  }

  private static String otherRows(String name, Member one, Member other) {
    return "%s: array '%s' has %,d rows, and array '%s' has %,d; save arrays with a row for each row of the table alone"
        .formatted(name, one.name, one.rows, other.name, other.rows);
  }

  private static Member checked(String name, Member member, Member one) {
    return member.refusal != null || member.rows == one.rows
        ? member
        : Member.refused(member.name, otherRows(name, one, member));
  }

  private List<String> uniqueNames() {
    Map<String, String> owners = new HashMap<>();
    List<String> all = new ArrayList<>();
    for (Member member : members) {
      for (int c = 0; c < member.columns; c++) {
        String column =
            !member.fields.isEmpty()
                ? member.fields.get(c)
                : member.columns == 1 ? member.name : member.name + (c + 1);
        String owner = owners.put(column, member.name);
        if (owner != null) {
          throw new DataException(
              "%s: arrays '%s' and '%s' both give a column '%s'; rename one of them"
                  .formatted(name, owner, member.name, column));
        }
        all.add(column);
      }
    }
    return all;
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final List<String> columns() {
    return columns;
  }

  @Override
  public final boolean hasNames() {
    return hasNames;
  }

  @Override
  public final long rows() {
    return rows;
  }

  @Override
  public final String apart(int column) {
    return refusal(column);
  }

  private String refusal(int column) {
    int m = Arrays.binarySearch(first, column);
    return members.get(m < 0 ? -m - 2 : m).refusal;
  }

  @Override
  public final void read(int[] selected, Values into) {
    for (int column : selected) {
      if (refusal(column) != null) {
        throw new DataException(refusal(column));
      }
    }
    int[] order = NumberedColumns.ascending(selected);
    int next = 0;
    for (int m = 0; m < first.length; m++) {
      int begin = next;
      while (next < order.length && selected[order[next]] < first[m] + members.get(m).columns) {
        next++;
      }
      if (next > begin) {
        int[] places = Arrays.copyOfRange(order, begin, next);
        int[] ofTable = Arrays.stream(places).map(i -> selected[i]).toArray();
        try {
          read(m, new Selection(first[m], ofTable, places, places.length == selected.length, into));
        } catch (IOException e) {
          throw RegularFile.cannotRead(place(members.get(m)), e);
        }
      }
    }
  }

  protected String place(Member array) {
    return name;
  }

  @Override
  public final String place(long row, int column) {
    return "%s: row %,d of %,d".formatted(name, row + 1, rows());
  }

  @Override
  public final DataException wrong(long row, int column, String value, String problem) {
    return new DataException(
        "%s, column '%s'%s %s"
            .formatted(
                place(row, column),
                columns.get(column),
                value == null ? "" : ": " + value,
                problem));
  }

  /** Hands over the selected cells of an array, of which there are some. */
  protected abstract void read(int array, Selection selection) throws IOException;

  /** The columns asked for of one array, in ascending order, and where their cells go. */
  public static final class Selection {
    private final int firstOfArray;
    private final int[] ofTable;
    private final int[] selected;
    private final boolean isWhole;
    private final Values into;

    private Selection(
        int firstOfArray, int[] ofTable, int[] selected, boolean isWhole, Values into) {
      this.isWhole = isWhole;
      this.firstOfArray = firstOfArray;
      this.ofTable = ofTable;
      this.selected = selected;
      this.into = into;
    }

    public int count() {
      return ofTable.length;
    }

    /** A column of the array, from 0. */
    public int column(int i) {
      return ofTable[i] - firstOfArray;
    }

    /** Returns whether all columns that are asked for are of this array. */
    public boolean isWhole() {
      return isWhole;
    }

    /** Returns where a column is in the order in which {@link #setRow} takes them. */
    public int place(int i) {
      return selected[i];
    }

    /** Takes the numbers of all columns in a row, from 0. */
    public void setRow(long row, double[] values) {
      into.numbers(row, values, 0, values.length);
    }

    /** Takes the number in a row, from 0. */
    public void set(long row, int i, double value) {
      into.number(row, selected[i], value);
    }

    /** Takes the text in a row; an empty one is a missing value. */
    public void set(long row, int i, String text) {
      if (text.isEmpty()) {
        into.missing(row, selected[i]);
      } else {
        into.text(row, selected[i], text);
      }
    }
  }
}
