package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ElementType;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * The memory that an ArrowArray refers to, as tensors.
 *
 * <pre>
 *   struct ArrowArray, 80 bytes (64-bit)
 *    0 | int64_t length          |    8 | int64_t null_count      |   16 | int64_t offset    |
 *   24 | int64_t n_buffers       |   32 | int64_t n_children      |   40 | const void** buffers |
 *   48 | ArrowArray** children   |   56 | ArrowArray* dictionary  |
 *   64 | void (*release)(ArrowArray*) | 72 | void* private_data   |
 * </pre>
 *
 * Rows of an array begin at its offset. Those of a column in a struct begin at the column's own
 * offset and the struct's, those of a list at the list's times its size.
 */
final class ArrayView {
  private final long length;
  private final long nullCount;
  private final long offset;
  private final long bufferCount;
  private final long childCount;
  private final long buffers;
  private final long children;

  /** Reads a struct once, by the offsets of its members. */
  private ArrayView(LongUnaryOperator member) {
    length = member.applyAsLong(0);
    nullCount = member.applyAsLong(8);
    offset = member.applyAsLong(16);
    bufferCount = member.applyAsLong(24);
    childCount = member.applyAsLong(32);
    buffers = member.applyAsLong(40);
    children = member.applyAsLong(48);
  }

  private ArrayView child(long index, String name) {
    MemorySegment struct = CStruct.child(children, childCount, index, CStruct.Kind.ARRAY);
    if (struct == null) {
      throw new DataException("column '%s': ArrowArray: child %d is null".formatted(name, index));
    }
    return new ArrayView(at -> struct.get(CStruct.LONG, at));
  }

  /** The columns of an array, until the arena's end; throws if it is not what the schema says. */
  static List<Tensor> tensors(CStruct array, SchemaView schema, Arena arena) {
    ArrayView root = new ArrayView(array::number);
    if (!schema.isStruct()) {
      SchemaView.Column column = schema.columns().getFirst();
      return List.of(root.column(column, 0, root.length, arena));
    }
    root.require("", 1, schema.children());
    root.requirePresent("row", "", 0, root.length);
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < schema.columns().size(); i++) {
      SchemaView.Column column = schema.columns().get(i);
      ArrayView child = root.child(column.child(), column.name());
      tensors.add(child.column(column, root.offset, root.length, arena));
    }
    return List.copyOf(tensors);
  }

  /** Rows {@code [first, first + rows)} of a column, counted from its own offset. */
  private Tensor column(SchemaView.Column column, long first, long rows, Arena arena) {
    String name = column.name();
    if (column.listSize() < 0) {
      return elements(column, first, rows, arena, new long[] {rows});
    }
    require(name, 1, 1);
    requireRows(name, first, rows);
    requirePresent("row", name, first, rows);
    long size = column.listSize();
    ArrayView child = child(0, name);
    if (size > 0 && Math.max(offset + first, rows) > Long.MAX_VALUE / 16 / size) {
      throw new DataException(
          "column '%s': %,d lists of %,d are too many".formatted(name, rows, size));
    }
    return child.elements(
        column, (offset + first) * size, rows * size, arena, new long[] {rows, size});
  }

  private Tensor elements(
      SchemaView.Column column, long first, long count, Arena arena, long[] extents) {
    String name = column.name();
    require(name, 2, 0);
    requireRows(name, first, count);
    requirePresent(extents.length == 1 ? "row" : "element", name, first, count);
    long width = column.type().bytes();
    long address = buffer(1);
    if (count == 0) {
      return Tensor.wrap(name, arena.allocate(0, width), column.dtype(), extents);
    }
    if (address == 0) {
      throw new DataException("column '%s': ArrowArray: its values are null".formatted(name));
    }
    if (offset + first > Long.MAX_VALUE / width - count) {
      throw new DataException(
          "column '%s': %,d rows from row %,d".formatted(name, count, offset + first));
    }
    if (column.isCopied()) {
      return Tensor.wrap(name, doubles(column.type(), first, count, arena), DType.F64, extents);
    }
    long begin = address + (offset + first) * width;
    if (begin % width != 0) {
      throw new DataException(
          "column '%s': address 0x%x is not a multiple of %d, the size of %s; copy it to such an address"
              .formatted(name, begin, width, column.dtype()));
    }
    // Read-only: the memory is shared with its producer, and Arrow's arrays do not change.
    MemorySegment values = CStruct.at(begin, count * width, arena).asReadOnly();
    return Tensor.wrap(name, values, column.dtype(), extents);
  }

  /** Elements of another type than tensors have, as the nearest doubles; truth values are bits. */
  private MemorySegment doubles(ElementType type, long first, long count, Arena arena) {
    MemorySegment copy = arena.allocate(count * Double.BYTES, Double.BYTES);
    boolean isBits = type == ElementType.BOOL;
    long begin = offset + first;
    long bytes = isBits ? (begin + count + 7) / 8 : (begin + count) * type.bytes();
    MemorySegment values = CStruct.at(buffer(1), bytes);
    for (long i = 0; i < count; i++) {
      long at = begin + i;
      double value =
          isBits
              ? (values.get(ValueLayout.JAVA_BYTE, at >>> 3) >> (at & 7)) & 1
              : type.get(values, at * type.bytes(), false);
      copy.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
    }
    return copy.asReadOnly();
  }

  private long buffer(int index) {
    return CStruct.at(buffers, bufferCount * Long.BYTES)
        .get(CStruct.LONG, (long) index * Long.BYTES);
  }

  private void require(String name, long ownBuffers, long ownChildren) {
    if (length < 0
        || offset < 0
        || offset > Long.MAX_VALUE - length
        || bufferCount != ownBuffers
        || childCount != ownChildren
        || (bufferCount > 0 && buffers == 0)
        || (childCount > 0 && children == 0)) {
      throw new DataException(
          "column '%s': ArrowArray has length %d, offset %d, %d buffers and %d children where %d and %d belong to its format"
              .formatted(name, length, offset, bufferCount, childCount, ownBuffers, ownChildren));
    }
  }

  private void requireRows(String name, long first, long count) {
    if (first < 0 || count > length || first > length - count) {
      throw new DataException(
          "column '%s': ArrowArray has %,d rows, and what it is in takes %,d from row %,d"
              .formatted(name, length, count, first));
    }
  }

  private void requirePresent(String what, String name, long first, long count) {
    if (nullCount == 0 || count == 0 || buffer(0) == 0) {
      return; // a null count of -1 says that nobody counted
    }
    long from = offset + first;
    MemorySegment valid = CStruct.at(buffer(0), (from + count + 7) / 8);
    for (long i = from; i < from + count; i++) {
      if (((valid.get(ValueLayout.JAVA_BYTE, i >>> 3) >> (i & 7)) & 1) == 0) {
        throw new DataException(
            "%s %,d: column '%s' has no value; remove the row or impute it"
                .formatted(what, i - from + 1, name));
      }
    }
  }
}
