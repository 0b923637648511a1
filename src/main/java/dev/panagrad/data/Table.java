package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Hands over rows and columns of numbers in a file, cell by cell: straight into native memory, or
 * into another file. Columns that are not asked for may hold anything. Columns, rows and cells
 * throw a {@link DataException} if the file cannot be read, or is not what its format says.
 * Ownership: a table may keep its file open until it is closed. Threading: one thread at a time.
 */
public interface Table extends AutoCloseable {
  /** Returns the name that messages use. */
  String name();

  /** Returns the names of the columns, each different. */
  List<String> columns();

  /** True if the file names its columns; if not, their names are their numbers from 1. */
  boolean hasNames();

  long rows();

  /** Opens the bytes of a table from their start, twice. */
  @FunctionalInterface
  interface Source {
    InputStream open() throws IOException;
  }

  /** Takes cells: of a row from 0 and the index of a column in those asked for, a finite value. */
  @FunctionalInterface
  interface Cells {
    void set(long row, int selected, double value);

    /** Takes finite values of a row: of all columns asked for, in their order. */
    default void setRow(long row, double[] values, int from, int count) {
      for (int i = 0; i < count; i++) {
        set(row, i, values[from + i]);
      }
    }
  }

  /**
   * Takes cells as the file has them, by their row from 0 and the index in the columns asked for.
   */
  interface Values {
    /** Takes a number, perhaps infinite, or NaN, by which many files say that it is missing. */
    void number(long row, int selected, double value);

    /** Takes numbers of a row: of all columns asked for, in their order. */
    default void numbers(long row, double[] values, int from, int count) {
      for (int i = 0; i < count; i++) {
        number(row, i, values[from + i]);
      }
    }

    /** Takes what is no number and not missing, without blanks around it; never empty. */
    void text(long row, int selected, String text);

    /** Takes a cell that is empty, null, or a mark of a missing value. */
    void missing(long row, int selected);
  }

  /**
   * Hands over every cell of these columns once, in whatever order the file has them, as it is.
   *
   * @param columns indices in {@link #columns}, from 0
   * @throws DataException if a column is neither of numbers nor of texts, or the file is damaged;
   *     what the receiver throws as one passes
   */
  void read(int[] columns, Values into);

  /**
   * Hands over every cell of these columns once, in whatever order the file has them, as a number.
   *
   * @param columns indices in {@link #columns}, from 0
   * @param dtype F32 or F64: what values have to fit
   * @throws DataException with row and column of a cell that is no finite number, or does not fit
   */
  default void read(int[] columns, DType dtype, Cells into) {
    read(columns, finite(columns, dtype, into));
  }

  /** Hands on what is a finite number that fits, and refuses all else by its place. */
  default Values finite(int[] columns, DType dtype, Cells into) {
    return new FiniteValues(this, columns, dtype, into);
  }

  /**
   * Returns the file and the place of a cell in the words of its format, while it is handed over:
   * {@code f.csv:3:2}, {@code f.parquet: row 3}.
   *
   * @param row from 0
   * @param column index in {@link #columns}
   */
  String place(long row, int column);

  /**
   * Returns the exception for a wrong cell, while it is handed over, with its place and column.
   *
   * @param value what was found, as it is shown; null if the cell has no value
   * @param problem what follows the value or the column: "is not a number"
   */
  default DataException wrong(long row, int column, String value, String problem) {
    return new DataException(
        "%s: %scolumn '%s' %s"
            .formatted(
                place(row, column),
                value == null ? "" : value + " in ",
                columns().get(column),
                problem));
  }

  /**
   * Says why a column is a feature only where it is named: it is an index of rows, or cannot be
   * read. Returns null for all others.
   *
   * @param column index in {@link #columns}
   */
  default String apart(int column) {
    return null;
  }

  /** Takes the first record as data too, columns numbered from 1; throws if it is not CSV. */
  default Table withoutHeader() {
    throw new UnsupportedOperationException(
        name() + " is not CSV, and has no header to read as data");
  }

  /**
   * Returns it with at least that many features, where the last may be missing in a file of few
   * rows (LIBSVM); others stay as they are. Throws if that is negative, or more than can be read.
   */
  default Table withFeatures(int count) {
    return this;
  }

  /**
   * Returns this table, which may take that many bytes as F64 where its file has nonzero values
   * alone (LIBSVM: 8 GiB unless another limit is set); others stay as they are.
   */
  default Table withDenseLimit(long bytes) {
    return this;
  }

  /** Closes the file. A second close does nothing. */
  @Override
  default void close() {}

  /** Says, after its place, why a value does not fit F32 or F64; null if it does. */
  static String problem(double value, DType dtype) {
    if (!Double.isFinite(value)) {
      return "is not finite; remove the row or impute it";
    }
    if (dtype == DType.F32 && Math.abs(value) > Float.MAX_VALUE) {
      return "is beyond the range of f32; use f64";
    }
    return null;
  }
}
