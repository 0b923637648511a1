package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * Columns in memory of another program, until they are closed. Tensors are views of it, without a
 * copy, and read-only. Ownership: the memory belongs to its producer, who is told once, by {@link
 * #close}, that it is no longer used; {@link dev.panagrad.tensor.TensorArena#attach} ties it to an
 * arena. Threading: any thread may read the tensors and close; a use after that throws. Closing
 * makes every thread of the JVM stop briefly.
 */
public final class ImportedColumns implements AutoCloseable {
  private final CStruct array;
  private final Arena arena;
  private final List<Tensor> columns;

  private ImportedColumns(CStruct array, Arena arena, List<Tensor> columns) {
    this.array = array;
    this.arena = arena;
    this.columns = columns;
  }

  /** Takes over the array: it is released even if this fails. */
  static ImportedColumns of(CStruct array, SchemaView schema) {
    Arena arena = Arena.ofShared();
    try {
      return new ImportedColumns(array, arena, ArrayView.tensors(array, schema, arena));
    } catch (RuntimeException e) {
      arena.close();
      array.release();
      throw e;
    }
  }

  /** The columns, by their names in the schema: [rows], or [rows, list size] for lists. */
  public List<Tensor> columns() {
    return columns;
  }

  /** The only column; a DataException if there are others. */
  public Tensor column() {
    if (columns.size() != 1) {
      throw new DataException(
          "there are %d columns where one is asked for; see columns()".formatted(columns.size()));
    }
    return columns.getFirst();
  }

  /**
   * Ends the use of the memory, and calls the producer's release callback, once; throws if a native
   * call is using the memory, which is not released then.
   */
  @Override
  public synchronized void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      array.release();
    }
  }
}
