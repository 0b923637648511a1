package dev.panagrad.data.npy;

import dev.panagrad.data.file.ArrayColumns;
import dev.panagrad.data.file.CheckedCells;
import dev.panagrad.data.file.ElementType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * An array of the NumPy format: where each of its numbers is among the bytes after its header.
 *
 * <pre>
 *   C order         row 0: c0 c1 c2 | row 1: c0 c1 c2 | ...
 *   Fortran order   column 0: r0 r1 ... | column 1: r0 r1 ... | ...
 *   records         row 0: field 0, padding, field 1 | row 1: ...
 * </pre>
 */
final class NpyArray {
  /**
   * One column.
   *
   * @param name null if the array gives none
   * @param type of its elements
   * @param bigEndian whether their most significant byte comes first
   * @param offset of its first element, in bytes after the header
   */
  record Column(String name, ElementType type, boolean bigEndian, long offset) {}

  private final int dataStart;
  private final long bytes;
  private final long rows;
  private final long rowStride;

  /** One for each field; else the first column, and the others lie {@link #columnStride} apart. */
  private final List<Column> columns;

  private final int columnCount;
  private final long columnStride;
  private final Kind kind;

  private enum Kind {
    VECTOR,
    MATRIX,
    RECORDS
  }

  private NpyArray(
      int dataStart,
      long bytes,
      long rows,
      long rowStride,
      List<Column> columns,
      int columnCount,
      long columnStride,
      Kind kind) {
    this.dataStart = dataStart;
    this.bytes = bytes;
    this.rows = rows;
    this.rowStride = rowStride;
    this.columns = columns;
    this.columnCount = columnCount;
    this.columnStride = columnStride;
    this.kind = kind;
  }

  /** A vector of one type, whose size has been checked. */
  static NpyArray ofVector(int dataStart, Column element, long rows) {
    int size = element.type().bytes();
    return new NpyArray(dataStart, rows * size, rows, size, List.of(element), 1, size, Kind.VECTOR);
  }

  /** A matrix of one type, whose size has been checked. */
  static NpyArray ofMatrix(
      int dataStart, Column element, long rows, int columns, boolean fortranOrder) {
    int size = element.type().bytes();
    return new NpyArray(
        dataStart,
        rows * columns * size,
        rows,
        fortranOrder ? size : (long) columns * size,
        List.of(element),
        columns,
        fortranOrder ? rows * size : size,
        Kind.MATRIX);
  }

  /** A vector of records, whose size has been checked. */
  static NpyArray ofRecords(int dataStart, List<Column> fields, long rows, long recordBytes) {
    return new NpyArray(
        dataStart, rows * recordBytes, rows, recordBytes, fields, fields.size(), 0, Kind.RECORDS);
  }

  /** Bytes before the first element. */
  int dataStart() {
    return dataStart;
  }

  /** Bytes of all elements. */
  long bytes() {
    return bytes;
  }

  long rows() {
    return rows;
  }

  int columns() {
    return columnCount;
  }

  /** Names of the columns, empty if the array gives none. */
  List<String> fields() {
    return kind == Kind.RECORDS ? columns.stream().map(Column::name).toList() : List.of();
  }

  /** Whether elements are of one type, and rows follow each other. */
  boolean isRowMajor() {
    return kind != Kind.RECORDS && (columnCount == 1 || rows == 1 || rowStride > columnStride);
  }

  /** Whether the array has one extent, and elements are numbers. */
  boolean isVector() {
    return kind == Kind.VECTOR;
  }

  /** The type of all elements, or of the first field. */
  ElementType type() {
    return columns.getFirst().type();
  }

  boolean isBigEndian() {
    return columns.getFirst().bigEndian();
  }

  /**
   * Hands over the elements of some columns, in the order that they are in.
   *
   * @param window over the bytes after the header
   * @param first the table's column that is the first of this array
   */
  void read(ForwardWindow window, ArrayColumns.Selection selection, int first, CheckedCells cells)
      throws IOException {
    if (isRowMajor() || kind == Kind.RECORDS) {
      for (long row = 0; row < rows; row++) {
        for (int i = 0; i < selection.count(); i++) {
          cell(window, selection, i, row, first, cells);
        }
      }
    } else {
      for (int i = 0; i < selection.count(); i++) {
        for (long row = 0; row < rows; row++) {
          cell(window, selection, i, row, first, cells);
        }
      }
    }
  }

  private void cell(
      ForwardWindow window,
      ArrayColumns.Selection selection,
      int i,
      long row,
      int first,
      CheckedCells cells)
      throws IOException {
    int column = selection.column(i);
    Column element = columns.get(kind == Kind.RECORDS ? column : 0);
    long offset = row * rowStride + element.offset() + column * columnStride;
    ElementType type = element.type();
    MemorySegment memory = window.memory();
    double value = type.get(memory, window.at(offset, type.bytes()), element.bigEndian());
    cells.set(row, first + column, selection.selected(i), value);
  }
}
