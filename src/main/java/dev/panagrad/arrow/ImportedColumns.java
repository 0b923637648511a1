package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * Holds columns in memory of another program, until they are closed. Tensors of floats and doubles
 * are views of it, without a copy, others are copies; all are read-only. Ownership: the memory
 * belongs to its producer, who is told once, by {@link #close}, that it is no longer used; {@link
 * dev.panagrad.tensor.TensorArena#attach} ties it to an arena. Threading: any thread may read the
 * tensors and close; a use after that throws. Closing makes every thread of the JVM stop briefly.
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

  /** Returns the columns, by their names in the schema: [rows], or [rows, list size] for lists. */
  public List<Tensor> columns() {
    return columns;
  }

  /** Returns the only column; throws DataException if there are others. */
  public Tensor column() {
    if (columns.size() != 1) {
      throw new DataException(
          "there are %d columns where one is asked for; see columns()".formatted(columns.size()));
    }
    return columns.getFirst();
  }

  /**
   * Copies all columns side by side into the arena: [rows, columns], where a column of lists has as
   * many as its lists have elements.
   *
   * @param dtype F32 or F64
   * @throws DataException with row and column of a value that is not finite or beyond the type
   */
  public Tensor matrix(TensorArena into, DType dtype) {
    long width = columns.stream().mapToLong(ImportedColumns::width).sum();
    Tensor matrix = into.allocate("X", dtype, columns.getFirst().rows(), width);
    long first = 0;
    for (Tensor column : columns) {
      long own = width(column);
      for (long i = 0; i < column.count(); i++) {
        double value = column.get(i);
        String problem = Table.problem(value, dtype);
        if (problem != null) {
          throw new DataException(
              "row %,d: %s in column '%s' %s"
                  .formatted(i / own + 1, value, column.name(), problem));
        }
        matrix.set(i / own, first + i % own, value);
      }
      first += own;
    }
    return matrix;
  }

  private static long width(Tensor column) {
    return column.shape().rank() == 1 ? 1 : column.cols();
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
