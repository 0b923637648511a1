package dev.panagrad.data.npy;

import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.ElementType;
import dev.panagrad.data.file.Utf8;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
  /**
   * A column.
   *
   * @param name null without fields
   * @param type of its numbers; null if it has texts
   * @param textBytes of a text, which zeros fill; 0 if it has numbers
   * @param isWide true if each character of a text has four bytes
   * @param offset of its first element after the header
   */
  record Column(
      String name,
      ElementType type,
      int textBytes,
      boolean isWide,
      boolean bigEndian,
      long offset) {
    static Column numbers(String name, ElementType type, boolean bigEndian, long offset) {
      return new Column(name, type, 0, false, bigEndian, offset);
    }

    int bytes() {
      return type == null ? textBytes : type.bytes();
    }
  }

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
    boolean isMatrix = isRowMajor() && elements.getFirst().type() != null;
    long rowBytes = (columns - 1) * columnStride + elements.getFirst().bytes();
    if (isMatrix && selection.isWhole() && rowBytes <= ForwardWindow.WINDOW_BYTES) {
      readRows(window, selection, (int) rowBytes);
    } else if (isRowMajor() || kind == Kind.RECORDS) {
      for (long row = 0; row < rows; row++) {
        for (int i = 0; i < count; i++) {
          set(window, selection, i, row);
        }
      }
    } else {
      for (int i = 0; i < count; i++) {
        for (long row = 0; row < rows; row++) {
          set(window, selection, i, row);
        }
      }
    }
  }

  private void readRows(ForwardWindow window, ArrayTable.Selection selection, int rowBytes)
      throws IOException {
    Column element = elements.getFirst();
    int[] offsets = new int[selection.count()];
    for (int i = 0; i < offsets.length; i++) {
      offsets[selection.place(i)] = (int) (selection.column(i) * columnStride);
    }
    double[] values = new double[offsets.length];
    for (long row = 0; row < rows; row++) {
      long at = window.at(row * rowStride + element.offset(), rowBytes);
      element.type().get(window.memory, at, element.bigEndian(), offsets, values);
      selection.setRow(row, values);
    }
  }

  private void set(ForwardWindow window, ArrayTable.Selection selection, int i, long row)
      throws IOException {
    int column = selection.column(i);
    Column element = elements.get(kind == Kind.RECORDS ? column : 0);
    long offset = row * rowStride + element.offset() + column * columnStride;
    long at = window.at(offset, element.bytes());
    ElementType type = element.type();
    if (type == null) {
      selection.set(row, i, text(element, window.memory.asSlice(at, element.bytes()), row));
    } else {
      selection.set(row, i, type.get(window.memory, at, element.bigEndian()));
    }
  }

  private static String text(Column element, MemorySegment bytes, long row) throws IOException {
    String text;
    if (element.isWide()) {
      StringBuilder wide = new StringBuilder();
      for (long at = 0; at < bytes.byteSize(); at += Integer.BYTES) {
        long point = (long) ElementType.UINT32.get(bytes, at, element.bigEndian());
        if (point > Character.MAX_CODE_POINT) {
          throw new IOException(
              "row %,d: a text has the character %x, which is none".formatted(row + 1, point));
        }
        wide.appendCodePoint((int) point);
      }
      text = wide.toString();
    } else {
      text = Utf8.text(bytes.toArray(ValueLayout.JAVA_BYTE), 0, (int) bytes.byteSize());
      if (text == null) {
        throw new IOException("row %,d: a text is not UTF-8".formatted(row + 1));
      }
    }
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == 0) {
      end--;
    }
    return text.substring(0, end).strip();
  }

  /** This array, whose size was checked, as part of a table. */
  ArrayTable.Member member(String name) {
    List<String> fields =
        kind == Kind.RECORDS ? elements.stream().map(Column::name).toList() : List.of();
    return new ArrayTable.Member(name, rows, columns, fields);
  }
}
