package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ElementType;
import dev.panagrad.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
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
 * Formats: {@code f} and {@code g} are columns of float and double, {@code c C s S i I l L} of
 * integers, {@code b} of truth values, {@code e} of half floats, {@code +w:n} of lists of n of
 * those, {@code +s} columns side by side.
 *
 * @param columns one, or those of a struct that were asked for
 * @param children of the struct; -1 if it is none
 */
record SchemaView(List<Column> columns, long children) {
  private static final int MAX_COLUMNS = 1 << 20;

  /**
   * A column.
   *
   * @param name "" if it has none
   * @param type of its elements
   * @param listSize -1 if rows are numbers
   * @param child its place in the struct
   */
  record Column(String name, ElementType type, long listSize, long child) {
    /** The type of its tensor: integers and others are copied into doubles. */
    DType dtype() {
      return type == ElementType.FLOAT32 ? DType.F32 : DType.F64;
    }

    boolean isCopied() {
      return type != ElementType.FLOAT32 && type != ElementType.FLOAT64;
    }
  }

  boolean isStruct() {
    return children >= 0;
  }

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

  /**
   * Reads a schema; a DataException with name and format of what is not such a column.
   *
   * @param wanted names of columns; null for all
   */
  static SchemaView of(CStruct schema, List<String> wanted) {
    Fields root = Fields.of(schema::number);
    if (!"+s".equals(root.format)) {
      return new SchemaView(selected(Map.of(root.shownName(), List.of(0L)), wanted, i -> root), -1);
    }
    if (root.childCount < 0 || root.childCount > MAX_COLUMNS || root.dictionary != 0) {
      throw new DataException(
          "ArrowSchema: a struct of %d columns; up to %,d are read"
              .formatted(root.childCount, MAX_COLUMNS));
    }
    Map<String, List<Long>> places = new LinkedHashMap<>();
    for (long i = 0; wanted != null && i < root.childCount; i++) {
      places.computeIfAbsent(root.child(i).shownName(), name -> new ArrayList<>()).add(i);
    }
    return wanted == null
        ? new SchemaView(
            LongStream.range(0, root.childCount).mapToObj(i -> column(root.child(i), i)).toList(),
            root.childCount)
        : new SchemaView(selected(places, wanted, root::child), root.childCount);
  }

  private static List<Column> selected(
      Map<String, List<Long>> places, List<String> wanted, LongFunction<Fields> fields) {
    if (wanted == null) {
      return List.of(column(fields.apply(0), 0));
    }
    List<Column> columns = new ArrayList<>();
    for (String name : wanted) {
      List<Long> found = places.getOrDefault(name, List.of());
      if (found.size() != 1) {
        throw new DataException(
            "there %s '%s'; there are %s"
                .formatted(
                    found.isEmpty() ? "is no column" : "are %d columns".formatted(found.size()),
                    name,
                    places.keySet()));
      }
      columns.add(column(fields.apply(found.getFirst()), found.getFirst()));
    }
    return List.copyOf(columns);
  }

  private static Column column(Fields field, long child) {
    if (field.dictionary != 0) {
      throw new DataException(
          "column '%s' is encoded by a dictionary; hand over its values, or choose other columns"
              .formatted(field.name));
    }
    ElementType type = element(field.format);
    if (type != null) {
      return new Column(field.shownName(), type, -1, child);
    }
    if (field.format != null && field.format.matches("\\+w:[0-9]{1,9}") && field.childCount == 1) {
      Fields item = field.child(0);
      type = item.dictionary == 0 ? element(item.format) : null;
      if (type != null) {
        return new Column(
            field.shownName(), type, Long.parseLong(field.format.substring("+w:".length())), child);
      }
    }
    throw new DataException(
        "column '%s' has the format '%s'; f (float), g (double), integers (c C s S i I l L), b (bool), e (half) and fixed-size lists of them are read; choose other columns"
            .formatted(field.shownName(), field.format));
  }

  private static ElementType element(String format) {
    return switch (format) {
      case "f" -> ElementType.FLOAT32;
      case "g" -> ElementType.FLOAT64;
      case "e" -> ElementType.FLOAT16;
      case "b" -> ElementType.BOOL;
      case "c" -> ElementType.INT8;
      case "C" -> ElementType.UINT8;
      case "s" -> ElementType.INT16;
      case "S" -> ElementType.UINT16;
      case "i" -> ElementType.INT32;
      case "I" -> ElementType.UINT32;
      case "l" -> ElementType.INT64;
      case "L" -> ElementType.UINT64;
      case null, default -> null;
    };
  }
}
