package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.tensor.DType;
import java.util.List;

/**
 * Where cells of a binary file go: each is checked, and one that cannot be used is reported with
 * its row, counted from 1, and its column.
 *
 * @param table what messages call it
 * @param columns names of all columns of the table
 * @param rows of the table
 * @param dtype what values have to fit
 * @param into where they go then
 */
public record CheckedCells(
    String table, List<String> columns, long rows, DType dtype, Table.Cells into) {

  /**
   * Takes one cell.
   *
   * @param row from 0
   * @param column of the table, from 0
   * @param selected index in the columns asked for
   */
  public void set(long row, int column, int selected, double value) {
    String problem = Table.problem(value, dtype);
    if (problem != null) {
      throw new DataException(
          "%s: row %,d of %,d, column '%s': %s %s"
              .formatted(table, row + 1, rows, columns.get(column), value, problem));
    }
    into.set(row, selected, value);
  }
}
