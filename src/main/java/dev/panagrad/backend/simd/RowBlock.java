package dev.panagrad.backend.simd;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where the rows of a block are in memory, and where the last vector of each can be read whole: in
 * place where that stays inside the segment, else in a buffer that it is copied to. One per thread
 * or chunk, kept between calls.
 */
final class RowBlock {
  /** Rows per block, at most. */
  static final int MAX_ROWS = 64;

  private static final int SLOT_BYTES = 64;

  private final int lanes;
  private final int elementBytes;
  private final MemorySegment buffer;

  /** Byte offset of each row in {@link #rows}. */
  final long[] at = new long[MAX_ROWS];

  /** Byte offset of the last vector of each row in {@link #tails}. */
  final long[] tailAt = new long[MAX_ROWS];

  MemorySegment rows;
  MemorySegment tails;
  MemorySegment weightTails;
  long weightTailAt;

  RowBlock(Arena arena, int lanes, int elementBytes) {
    this.lanes = lanes;
    this.elementBytes = elementBytes;
    this.buffer = arena.allocate((MAX_ROWS + 1L) * SLOT_BYTES, SLOT_BYTES);
  }

  /**
   * Finds {@code count} rows from position {@code first}, and repeats the last one up to a multiple
   * of four.
   *
   * @param index row numbers, or null for rows in order
   */
  void locate(Tensor x, Tensor index, long first, int count) {
    long rowBytes = x.rowStride() * elementBytes;
    long furthest;
    if (index == null) {
      long start = x.byteOffset() + first * rowBytes;
      for (int i = 0; i < count; i++) {
        at[i] = start + i * rowBytes;
      }
      furthest = at[count - 1];
    } else {
      furthest = 0;
      for (int i = 0; i < count; i++) {
        long offset = x.byteOffset() + row(index, first + i) * rowBytes;
        at[i] = offset;
        furthest = Math.max(furthest, offset);
      }
    }
    int filled = (count + 3) & -4;
    for (int i = count; i < filled; i++) {
      at[i] = at[count - 1];
    }
    rows = x.segment();
    tails = rows;
    long whole = wholeBytes(x.cols());
    for (int i = 0; i < filled; i++) {
      tailAt[i] = at[i] + whole;
    }
    if (!isReadable(rows, furthest, x.cols())) {
      tails = buffer;
      for (int i = 0; i < filled; i++) {
        tailAt[i] = (long) i * SLOT_BYTES;
        MemorySegment.copy(rows, at[i] + whole, buffer, tailAt[i], x.cols() * elementBytes - whole);
      }
    }
  }

  /** Finds the last vector of the weights. */
  void locateWeights(MemorySegment ws, long wAt, long cols) {
    long whole = wholeBytes(cols);
    weightTails = ws;
    weightTailAt = wAt + whole;
    if (!isReadable(ws, wAt, cols)) {
      weightTails = buffer;
      weightTailAt = (long) MAX_ROWS * SLOT_BYTES;
      MemorySegment.copy(ws, wAt + whole, buffer, weightTailAt, cols * elementBytes - whole);
    }
  }

  static long row(Tensor index, long position) {
    return index == null
        ? position
        : index.segment().get(ValueLayout.JAVA_LONG, index.byteOffset() + position * Long.BYTES);
  }

  /** Bytes of a row before its last vector, which has 1 to all of its lanes used. */
  private long wholeBytes(long cols) {
    return ((cols - 1) & -lanes) * elementBytes;
  }

  private boolean isReadable(MemorySegment segment, long offset, long cols) {
    return offset + Math.ceilDiv(cols, lanes) * lanes * elementBytes <= segment.byteSize();
  }
}
