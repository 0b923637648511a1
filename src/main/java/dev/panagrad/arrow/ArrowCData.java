package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Imports arrays of the Arrow C data interface.
 *
 * <p>Both structs are taken over, as the specification has it: their bytes are moved, and the
 * caller's are marked as released, so that the memory of the structs themselves can be freed or
 * reused at once. The schema is released before a method returns, the array when the result is
 * closed; both are released, each once, if the import is refused. Only an {@link
 * IllegalArgumentException} about the structs themselves leaves them as they were. Java needs
 * {@code --enable-native-access} for this package's module, or {@code ALL-UNNAMED}.
 *
 * <pre>{@code
 * try (Arena arena = Arena.ofConfined()) {
 *   MemorySegment schema = arena.allocate(ArrowCData.SCHEMA_BYTES, 8);
 *   MemorySegment array = arena.allocate(ArrowCData.ARRAY_BYTES, 8);
 *   producer.export(schema.address(), array.address());
 *   try (ImportedColumns columns = ArrowCData.importColumns(schema, array)) {
 *     Tensor x = columns.column();
 *   }
 * }
 * }</pre>
 */
public final class ArrowCData {
  public static final long SCHEMA_BYTES = CStruct.Kind.SCHEMA.bytes;
  public static final long ARRAY_BYTES = CStruct.Kind.ARRAY.bytes;
  public static final long STREAM_BYTES = CStruct.Kind.STREAM.bytes;

  private ArrowCData() {}

  /**
   * Imports a column of numbers or truth values, or of fixed-size lists of them, or a struct of
   * such columns, which is what a record batch is. Floats and doubles are views; integers, half
   * floats and truth values (0 and 1) are copied into doubles, rounded to the nearest. Offsets are
   * honored; missing values are refused, NaN is not.
   *
   * @param arrowSchema struct ArrowSchema; of no size, or of at least {@link #SCHEMA_BYTES}
   * @param arrowArray struct ArrowArray; of no size, or of at least {@link #ARRAY_BYTES}
   * @throws DataException if a column is of another kind, is not what the schema says, or has a
   *     missing value, with its row
   * @throws IllegalArgumentException if a struct was released or moved before
   */
  public static ImportedColumns importColumns(MemorySegment arrowSchema, MemorySegment arrowArray) {
    return imported(arrowSchema, arrowArray, null);
  }

  /**
   * Imports some columns of a struct by their names, in that order, as {@link
   * #importColumns(MemorySegment, MemorySegment)}; others may be of any kind.
   */
  public static ImportedColumns importColumns(
      MemorySegment arrowSchema, MemorySegment arrowArray, List<String> columns) {
    return imported(arrowSchema, arrowArray, List.copyOf(columns));
  }

  private static ImportedColumns imported(
      MemorySegment arrowSchema, MemorySegment arrowArray, List<String> columns) {
    CStruct.requireUnreleased(arrowArray, CStruct.Kind.ARRAY);
    CStruct schema = CStruct.move(arrowSchema, CStruct.Kind.SCHEMA);
    CStruct array = CStruct.move(arrowArray, CStruct.Kind.ARRAY);
    SchemaView view;
    try {
      view = SchemaView.of(schema, columns);
    } catch (RuntimeException e) {
      array.release();
      throw e;
    } finally {
      schema.release();
    }
    return ImportedColumns.of(array, view);
  }
}
