package dev.panagrad.data.npy;

import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.ElementType;
import java.io.IOException;
import java.util.List;

/**
 * An array of the NumPy format: where each of its numbers is among the bytes after its header.
 *
 * <pre>
 *   C order         row 0: c0 c1 c2 | row 1: c0 c1 c2 | ...
 *   Fortran order   column 0: r0 r1 ... | column 1: r0 r1 ... | ...
 *   records         row 0: field 0, padding, field 1 | row 1: ...
 * </pre>
 *
 * @param dataStart bytes before the first element
 * @param bytes of all elements
 * @param rowStride bytes from a row to the next
 * @param elements one column for each field; else the first, and the others lie columnStride apart
 */
record NpyArray(
    int dataStart,
    long bytes,
    long rows,
    long rowStride,
    List<Column> elements,
    int columns,
    long columnStride,
    Kind kind) {
  /** A column, by the offset of its first element after the header; name is null without fields. */
  record Column(String name, ElementType type, boolean bigEndian, long offset) {}

  enum Kind {
    VECTOR,
    MATRIX,
    RECORDS
  }

  /** True if elements are of one type, and rows follow each other. */
  boolean isRowMajor() {
    return kind != Kind.RECORDS && (columns == 1 || rows == 1 || rowStride > columnStride);
  }

  /** Hands over the elements of some columns, in their order in the bytes after the header. */
  void read(ForwardWindow window, ArrayTable.Selection selection) throws IOException {
    int count = selection.count();
    if (isRowMajor() || kind == Kind.RECORDS) {
      for (long row = 0; row < rows; row++) {
        for (int i = 0; i < count; i++) {
          selection.set(row, i, element(window, selection.column(i), row));
        }
      }
    } else {
      for (int i = 0; i < count; i++) {
        for (long row = 0; row < rows; row++) {
          selection.set(row, i, element(window, selection.column(i), row));
        }
      }
    }
  }

  private double element(ForwardWindow window, int column, long row) throws IOException {
    Column element = elements.get(kind == Kind.RECORDS ? column : 0);
    long offset = row * rowStride + element.offset() + column * columnStride;
    ElementType type = element.type();
    return type.get(window.memory, window.at(offset, type.bytes()), element.bigEndian());
  }

  /** This array, whose size was checked, as part of a table. */
  ArrayTable.Member member(String name) {
    List<String> fields =
        kind == Kind.RECORDS ? elements.stream().map(Column::name).toList() : List.of();
    return new ArrayTable.Member(name, rows, columns, fields);
  }
}
