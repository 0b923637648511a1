package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;

/**
 * What an ArrowSchema says of columns that can be tensors.
 *
 * <pre>
 *   struct ArrowSchema, 72 bytes (64-bit)
 *    0 | const char* format     |    8 | const char* name        |   16 | const char* metadata |
 *   24 | int64_t flags          |   32 | int64_t n_children      |   40 | ArrowSchema** children |
 *   48 | ArrowSchema* dictionary |  56 | void (*release)(ArrowSchema*) | 64 | void* private_data |
 * </pre>
 *
 * Formats: {@code f} and {@code g} are columns of float and double, {@code +w:n} of lists of n of
 * those, {@code +s} columns side by side.
 *
 * @param columns one, or those of a struct
 */
record SchemaView(List<Column> columns, boolean isStruct) {
  private static final int MAX_COLUMNS = 1 << 20;

  /** A column; its name is "" if it has none, and listSize -1 if rows are numbers. */
  record Column(String name, DType dtype, long listSize) {}

  private record Fields(
      String format, String name, long childCount, long children, long dictionary) {
    static Fields of(LongUnaryOperator member) {
      return new Fields(
          CStruct.text(member.applyAsLong(0)),
          CStruct.text(member.applyAsLong(8)),
          member.applyAsLong(32),
          member.applyAsLong(40),
          member.applyAsLong(48));
    }

    Fields child(long index) {
      MemorySegment struct = CStruct.child(children, childCount, index, CStruct.Kind.SCHEMA);
      if (struct == null) {
        throw new DataException("ArrowSchema: child %d of '%s' is null".formatted(index, name));
      }
      return of(at -> struct.get(CStruct.LONG, at));
    }

    String shownName() {
      return name == null ? "" : name;
    }
  }

  /** Reads a schema; a DataException with name and format of what is not such a column. */
  static SchemaView of(CStruct schema) {
    Fields root = Fields.of(schema::number);
    if (!"+s".equals(root.format)) {
      return new SchemaView(List.of(column(root)), false);
    }
    if (root.childCount < 0 || root.childCount > MAX_COLUMNS || root.dictionary != 0) {
      throw new DataException(
          "ArrowSchema: a struct of %d columns; up to %,d are read"
              .formatted(root.childCount, MAX_COLUMNS));
    }
    return new SchemaView(
        LongStream.range(0, root.childCount).mapToObj(i -> column(root.child(i))).toList(), true);
  }

  private static Column column(Fields field) {
    if (field.dictionary != 0) {
      throw new DataException(
          "column '%s' is encoded by a dictionary; hand over its values".formatted(field.name));
    }
    DType dtype = element(field.format);
    if (dtype != null) {
      return new Column(field.shownName(), dtype, -1);
    }
    if (field.format != null && field.format.matches("\\+w:[0-9]{1,9}") && field.childCount == 1) {
      Fields child = field.child(0);
      dtype = child.dictionary == 0 ? element(child.format) : null;
      if (dtype != null) {
        return new Column(
            field.shownName(), dtype, Long.parseLong(field.format.substring("+w:".length())));
      }
    }
    throw new DataException(
        "column '%s' has the format '%s'; f (float), g (double) and fixed-size lists of them are read"
            .formatted(field.shownName(), field.format));
  }

  private static DType element(String format) {
    return switch (format) {
      case "f" -> DType.F32;
      case "g" -> DType.F64;
      case null, default -> null;
    };
  }
}
