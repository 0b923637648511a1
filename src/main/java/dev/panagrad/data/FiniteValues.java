package dev.panagrad.data;

import dev.panagrad.tensor.DType;

/** Hands on the cells of a table that are finite numbers, and refuses all others by their place. */
final class FiniteValues implements Table.Values {
  private static final int SHOWN_CHARACTERS = 40;

  private final Table table;
  private final int[] columns;
  private final DType dtype;
  private final Table.Cells into;

  FiniteValues(Table table, int[] columns, DType dtype, Table.Cells into) {
    this.table = table;
    this.columns = columns;
    this.dtype = dtype;
    this.into = into;
  }

  @Override
  public void number(long row, int selected, double value) {
    String problem = Table.problem(value, dtype);
    if (problem != null) {
      throw table.wrong(row, columns[selected], Double.toString(value), problem);
    }
    into.set(row, selected, value);
  }

  @Override
  public void numbers(long row, double[] values, int from, int count) {
    double largest = dtype == DType.F32 ? Float.MAX_VALUE : Double.MAX_VALUE;
    boolean allFit = true;
    for (int i = 0; i < count; i++) {
      allFit &= Math.abs(values[from + i]) <= largest; // which NaN is not
    }
    if (allFit) {
      into.setRow(row, values, from, count);
    } else {
      Table.Values.super.numbers(row, values, from, count);
    }
  }

  @Override
  public void text(long row, int selected, String text) {
    String shown =
        text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
    throw table.wrong(row, columns[selected], "'" + shown + "'", "is not a number");
  }

  @Override
  public void missing(long row, int selected) {
    throw table.wrong(row, columns[selected], null, "has no value; remove the row or impute it");
  }
}
