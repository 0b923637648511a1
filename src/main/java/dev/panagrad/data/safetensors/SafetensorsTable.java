package dev.panagrad.data.safetensors;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.ElementType;
import dev.panagrad.data.file.NumberedColumns;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A safetensors file whose tensors have the same number of rows, of NumPy's types or BF16; others
 * may be there. They are mapped until {@link #close}; the file must not be made shorter meanwhile,
 * which ends the process that reads it.
 */
public final class SafetensorsTable extends ArrayTable {
  private final TensorArena arena;
  private final List<Elements> tensors;

  /** A tensor's elements, row by row; no bytes if it is refused. */
  private record Elements(Member member, ElementType type, MemorySegment bytes) {}

  private SafetensorsTable(String name, TensorArena arena, List<Elements> tensors) {
    super(name, tensors.stream().map(Elements::member).toList());
    this.arena = arena;
    this.tensors = tensors;
  }

  private static Elements elements(Path file, SafetensorsFile in, TensorArena arena, String name)
      throws IOException {
    ElementType type = type(in.typeName(name));
    Shape shape = in.shape(name);
    String refusal = refusal(shape);
    if (type == null) {
      refusal =
          "is %s; the types of NumPy and BF16 are read".formatted(Excerpt.of(in.typeName(name)));
    }
    if (refusal != null) {
      String message = "%s: tensor '%s' %s".formatted(file, name, refusal);
      return new Elements(Member.refused(name, message), null, null);
    }
    int columns = shape.rank() == 1 ? 1 : (int) shape.cols();
    Member member = new Member(name, shape.rows(), columns, List.of());
    return new Elements(member, type, in.mapBytes(arena, name).segment());
  }

  private static String refusal(Shape shape) {
    if (shape.rank() > 2) {
      return "of shape " + shape + " is no table; save it as [rows, columns]";
    }
    if (shape.count() == 0) {
      return "of shape " + shape + " has no " + (shape.rows() == 0 ? "rows" : "columns");
    }
    return shape.rank() == 2 && shape.cols() > NumberedColumns.MAX_COLUMNS
        ? "has %,d columns; at most %,d are read"
            .formatted(shape.cols(), NumberedColumns.MAX_COLUMNS)
        : null;
  }

  private static ElementType type(String name) {
    return switch (name) {
      case "BOOL" -> ElementType.BOOL;
      case "I8" -> ElementType.INT8;
      case "U8" -> ElementType.UINT8;
      case "I16" -> ElementType.INT16;
      case "U16" -> ElementType.UINT16;
      case "I32" -> ElementType.INT32;
      case "U32" -> ElementType.UINT32;
      case "I64" -> ElementType.INT64;
      case "U64" -> ElementType.UINT64;
      case "F16" -> ElementType.FLOAT16;
      case "BF16" -> ElementType.BFLOAT16;
      case "F32" -> ElementType.FLOAT32;
      case "F64" -> ElementType.FLOAT64;
      default -> null;
    };
  }

  /** Opens a file and maps its tensors; throws if it is not what the format says, or no table. */
  public static SafetensorsTable open(Path file) {
    RegularFile.require(file, "a safetensors file");
    TensorArena arena = TensorArena.open(file.toString());
    SafetensorsTable table = null;
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      String format = in.metadata().getOrDefault("format", "");
      if (format.startsWith("panagrad.")) {
        throw new DataException(
            "%s is a file of this program, %s, and no table; name the data that it was made of"
                .formatted(file, Excerpt.of(format)));
      }
      List<Elements> tensors = new ArrayList<>();
      for (String tensor : in.names()) {
        tensors.add(elements(file, in, arena, tensor));
      }
      table = new SafetensorsTable(file.toString(), arena, tensors);
      return table;
    } catch (IOException e) {
      throw RegularFile.cannotRead(file.toString(), e);
    } finally {
      if (table == null) {
        arena.close();
      }
    }
  }

  @Override
  protected void read(int index, Selection selection) {
    Elements tensor = tensors.get(index);
    ElementType type = tensor.type;
    long columns = tensor.member.columns();
    for (long row = 0; row < tensor.member.rows(); row++) {
      for (int i = 0; i < selection.count(); i++) {
        long at = (row * columns + selection.column(i)) * type.bytes();
        selection.set(row, i, type.get(tensor.bytes, at, false));
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
