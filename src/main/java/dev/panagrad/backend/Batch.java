package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Holds rows in the order in which batches take them. A batch of a call is a range of positions: of
 * the index, or of the rows where there is none.
 *
 * @param rows what is read
 * @param index row numbers, a vector of I64 on the side of the rows; null for rows in order
 */
public record Batch(DenseRows rows, Tensor index) {
  /**
   * Checks the index, with IllegalArgumentException if type, form or side does not fit; not the
   * numbers in it: memory can change, so that whoever reads one checks it.
   */
  public Batch {
    Objects.requireNonNull(rows, "rows");
    if (index != null) {
      Operands.vector(index, DType.I64);
      Operands.together(rows.x(), index);
    }
  }

  /** Takes rows in their order. */
  public Batch(DenseRows rows) {
    this(rows, null);
  }

  /** Takes features and targets in their order, without weights and offsets. */
  public Batch(Tensor x, Tensor y) {
    this(new DenseRows(x, y), null);
  }

  /** Returns the number of positions. */
  public long positions() {
    return index == null ? rows.count() : index.count();
  }

  /**
   * Returns the row at a position, for kernels that read the index in host memory.
   *
   * @throws IndexOutOfBoundsException if there is no such position, or what the index has there is
   *     not a row
   */
  public long row(long position) {
    Objects.checkIndex(position, positions());
    if (index == null) {
      return position;
    }
    long row =
        index.segment().get(ValueLayout.JAVA_LONG, index.byteOffset() + position * Long.BYTES);
    if (row < 0 || row >= rows.count()) {
      throw notARow(position, row);
    }
    return row;
  }

  /** Makes the exception for a number found at a position of a batch with an index. */
  public IndexOutOfBoundsException notARow(long position, long found) {
    return new IndexOutOfBoundsException(
        "gradient: entry %d of '%s' is row %d, tensor '%s' has %,d rows"
            .formatted(position, index.name(), found, rows.x().name(), rows.count()));
  }
}
