package dev.panagrad.backend.simd;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A matrix in memory as a kernel sees it: what a {@link Tensor} says, without its checks, and to be
 * set anew for each block of rows without allocating.
 */
final class Operand {
  MemorySegment segment;
  long byteOffset;
  long rows;
  long cols;
  // Elements from row to row.
  long rowStride;

  int elementBytes;
  // Whether the product takes it transposed; rows and columns are those in memory.
  boolean transposed;

  void set(Tensor t, boolean isTransposed) {
    setRows(t, 0, t.rows(), isTransposed);
  }

  void setRows(Tensor t, long first, long count, boolean isTransposed) {
    elementBytes = t.dtype().bytes();
    segment = t.segment();
    byteOffset = t.byteOffset() + first * t.rowStride() * elementBytes;
    rows = count;
    cols = t.cols();
    rowStride = t.rowStride();
    transposed = isTransposed;
  }

  /** Contiguous rows at the beginning of memory. */
  void set(
      MemorySegment memory, long newRows, long newCols, int newElementBytes, boolean isTransposed) {
    segment = memory;
    byteOffset = 0;
    rows = newRows;
    cols = newCols;
    rowStride = newCols;
    elementBytes = newElementBytes;
    transposed = isTransposed;
  }

  /** The byte offset of an element. */
  long at(long row, long col) {
    return byteOffset + (row * rowStride + col) * elementBytes;
  }
}
