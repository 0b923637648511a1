package dev.panagrad.data;

import java.util.BitSet;

/** The rows whose weight is 0, which have no part in anything. */
record WeightlessRows(BitSet rows, Table table, int column) implements Table.Values {
  /** Throws with the place of a weight that is negative or infinite. */
  static BitSet of(TableReader reader, String weights) {
    int column = reader.targetColumns()[reader.position(weights)];
    WeightlessRows found = new WeightlessRows(new BitSet(), reader.table(), column);
    reader.table().read(new int[] {column}, found);
    return found.rows;
  }

  @Override
  public void number(long row, int selected, double value) {
    if (value == 0) {
      rows.set(Math.toIntExact(row));
    } else if (value < 0 || value == Double.POSITIVE_INFINITY) {
      throw new DataException(
          "%s: weight %s in column '%s' is %s; give a number from 0 on, or leave out the row"
              .formatted(
                  table.place(row, column),
                  value,
                  table.columns().get(column),
                  value < 0 ? "negative" : "infinite"));
    }
  }

  @Override
  public void text(long row, int selected, String text) {}

  @Override
  public void missing(long row, int selected) {}
}
