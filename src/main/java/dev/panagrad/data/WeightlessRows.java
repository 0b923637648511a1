package dev.panagrad.data;

import java.util.BitSet;

/** The rows whose weight is 0, which have no part in anything. */
record WeightlessRows(BitSet rows) implements Table.Values {
  static BitSet of(TableReader reader, String weights) {
    WeightlessRows found = new WeightlessRows(new BitSet());
    int column = reader.targetColumns()[reader.position(weights)];
    reader.table().read(new int[] {column}, found);
    return found.rows;
  }

  @Override
  public void number(long row, int selected, double value) {
    if (value == 0) {
      rows.set(Math.toIntExact(row));
    }
  }

  @Override
  public void text(long row, int selected, String text) {}

  @Override
  public void missing(long row, int selected) {}
}
