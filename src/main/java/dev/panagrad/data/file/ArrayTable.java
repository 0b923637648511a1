package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of arrays that have the same number of rows, as a table.
 *
 * <p>A single array has the columns "1", "2", and so on, whatever its name. Of several, a vector or
 * a matrix of one column gives the column NAME, a matrix of d columns NAME1 to NAMEd. Fields of
 * records are columns under their own names.
 */
public abstract class ArrayTable implements Table {
  private final String name;
  private final List<Member> members;
  private final int[] first;
  private final List<String> columns;
  private final boolean hasNames;

  /** An array of the file; fields are the names of its columns, empty if it has none. */
  public record Member(String name, long rows, int columns, List<String> fields) {}

  /**
   * A table of those arrays; throws if there is none, rows differ, two columns would have one name,
   * or there are more than {@value NumberedColumns#MAX_COLUMNS}.
   */
  protected ArrayTable(String name, List<Member> members) {
    this.name = name;
    this.members = List.copyOf(members);
    if (members.isEmpty()) {
      throw new DataException(name + " has no arrays");
    }
    first = new int[members.size()];
    long count = 0;
    Member one = members.getFirst();
    for (int i = 0; i < first.length; i++) {
      Member member = members.get(i);
      if (member.rows != one.rows) {
        throw new DataException(
            "%s: array '%s' has %,d rows, and array '%s' has %,d; save arrays with a row for each row of the table alone"
                .formatted(name, one.name, one.rows, member.name, member.rows));
      }
      first[i] = (int) count;
      count += member.columns;
      if (count > NumberedColumns.MAX_COLUMNS) {
        throw new DataException(
            "%s has %,d columns or more; at most %,d are read"
                .formatted(name, count, NumberedColumns.MAX_COLUMNS));
      }
    }
    hasNames = members.size() > 1 || !one.fields.isEmpty();
    columns = hasNames ? List.copyOf(uniqueNames()) : NumberedColumns.of((int) count);
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
    return members.getFirst().rows;
  }

  @Override
  public final void read(int[] selected, Values into) {
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
          read(m, new Selection(first[m], ofTable, places, into));
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
    private final Values into;

    private Selection(int firstOfArray, int[] ofTable, int[] selected, Values into) {
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
