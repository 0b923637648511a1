package dev.panagrad.backend.simd;

import dev.panagrad.backend.Batch;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Which rows a kernel takes together and where they are, and where the last vector of each can be
 * read whole: in place where that stays inside the segment, else in a buffer that it is copied to.
 * One per thread, kept between calls.
 *
 * <p>Kernels take four rows at a time, a group, or the two halves of one. Narrow rows are grouped
 * as they follow each other. Wide rows are grouped from four places of the block, so that each of
 * the four is read as one stream of many rows:
 *
 * <pre>
 *   block of 12 rows     0  1  2 | 3  4  5 | 6  7  8 | 9 10 11
 *   groups of narrow     (0 1 2 3) (4 5 6 7) (8 9 10 11)
 *   groups of wide       (0 3 6 9) (1 4 7 10) (2 5 8 11)
 * </pre>
 *
 * Four neighbors of 1 or 2 KiB lie in one or two pages, and the hardware prefetcher, which follows
 * one stream per page, loses them: 262,144 x 512 took 46 ms like that and takes 25 ms like this (1
 * thread; 2-core AVX-512 x86, 2026-11-24).
 *
 * <p>Groups that lack a row are filled up with the block's last one.
 */
final class RowBlock {
  // Rows per block, at most.
  static final int MAX_ROWS = 64;
  // Bytes of a row up to which four neighbors are one stream.
  private static final long NARROW_BYTES = 256;
  private static final int SLOT_BYTES = 64;
  private final int lanes;
  private final int elementBytes;
  private final MemorySegment buffer;
  private final long[] slotAt = new long[MAX_ROWS];
  // Byte offset in rows of each row of each group.
  final long[] at = new long[MAX_ROWS];
  // With tailShift added, the byte offset of its last vector in tails.
  long[] tailAt = at;

  long tailShift;
  // The row of the block that it is; at least count where a group was filled up.
  final int[] row = new int[MAX_ROWS];
  // Numbers of rows by index, in the order of the groups.
  private final long[] number = new long[MAX_ROWS];
  private boolean isIndexed;
  // Position of the first row: of the index, or of the rows.
  long first;
  // Rows in the block, and in its groups: the next multiple of four.
  int count;
  int filled;
  // The first place where a group may have been filled up.
  int firstFilling;
  private boolean isInOrder;
  // A vector per row, between two methods of a kernel; that of the other type is empty.
  final float[] partsF32;
  final double[] partsF64;
  MemorySegment rows;
  MemorySegment tails;
  MemorySegment weightTails;
  long weightTailAt;

  RowBlock(Arena arena, int lanes, int elementBytes) {
    this.lanes = lanes;
    this.elementBytes = elementBytes;
    boolean isF32 = elementBytes == Float.BYTES;
    this.partsF32 = new float[isF32 ? MAX_ROWS * lanes : 0];
    this.partsF64 = new double[isF32 ? 0 : MAX_ROWS * lanes];
    this.buffer = arena.allocate((MAX_ROWS + 1L) * SLOT_BYTES, SLOT_BYTES);
    for (int i = 0; i < MAX_ROWS; i++) {
      slotAt[i] = (long) i * SLOT_BYTES;
    }
  }

  /**
   * Finds {@code newCount} rows from a position, and checks the numbers of rows by index.
   *
   * @param order says which row a position is, or null for rows in order
   * @throws IndexOutOfBoundsException if a number is not one of a row
   */
  void gather(Tensor x, Batch order, long newFirst, int newCount) {
    long cols = x.cols();
    group(newCount, cols * elementBytes <= NARROW_BYTES);
    first = newFirst;
    isIndexed = order != null;
    long rowBytes = x.rowStride() * elementBytes;
    long start = x.byteOffset();
    long furthest;
    if (order == null) {
      start += first * rowBytes;
      furthest = start + (count - 1) * rowBytes;
      locateInOrder(start, rowBytes);
    } else {
      furthest = gatherByIndex(order, start, rowBytes);
    }
    rows = x.segment();
    long whole = wholeBytes(cols);
    if (isReadable(rows, furthest, cols)) {
      tails = rows;
      tailAt = at;
      tailShift = whole;
    } else {
      tails = buffer;
      tailAt = slotAt;
      tailShift = 0;
      for (int i = 0; i < filled; i++) {
        MemorySegment.copy(rows, at[i] + whole, buffer, slotAt[i], cols * elementBytes - whole);
      }
    }
  }

  /** Reads each number once, and returns the furthest row's offset. */
  private long gatherByIndex(Batch order, long start, long rowBytes) {
    MemorySegment numbers = order.index().segment();
    long numbersAt = order.index().byteOffset() + first * Long.BYTES;
    long rowsOfAll = order.rows().count();
    int last = count - 1;
    long furthest = 0;
    for (int i = 0; i < filled; i++) {
      long place = Math.min(row[i], last);
      long found = numbers.get(ValueLayout.JAVA_LONG, numbersAt + place * Long.BYTES);
      if (found < 0 || found >= rowsOfAll) {
        throw order.notARow(first + place, found);
      }
      number[i] = found;
      at[i] = start + found * rowBytes;
      furthest = Math.max(furthest, at[i]);
    }
    return furthest;
  }

  /** Whether the rows are next to each other in the data, in the order of the groups. */
  boolean isRun() {
    return isInOrder && !isIndexed;
  }

  /** The number of the row at a place of a group, as it was when the rows were gathered. */
  long number(int i) {
    return isIndexed ? number[i] : first + Math.min(row[i], count - 1);
  }

  private void locateInOrder(long start, long rowBytes) {
    long[] to = at;
    int n = filled;
    if (isInOrder) {
      for (int i = 0; i < n; i++) {
        to[i] = start + i * rowBytes;
      }
    } else {
      for (int i = 0; i < n; i++) {
        to[i] = start + row[i] * rowBytes;
      }
    }
    for (int i = firstFilling; i < n; i++) {
      to[i] = start + Math.min(row[i], count - 1) * rowBytes;
    }
  }

  private void group(int newCount, boolean inOrder) {
    if (newCount == count && inOrder == isInOrder) {
      return;
    }
    count = newCount;
    isInOrder = inOrder;
    int groups = (newCount + 3) / 4;
    filled = 4 * groups;
    firstFilling = filled == count ? filled : 0;
    for (int i = 0; i < filled; i++) {
      row[i] = inOrder ? i : i % 4 * groups + i / 4;
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

  /** Bytes of a row before its last vector, which has 1 to all of its lanes used. */
  private long wholeBytes(long cols) {
    return ((cols - 1) & -lanes) * elementBytes;
  }

  private boolean isReadable(MemorySegment segment, long offset, long cols) {
    return offset + Math.ceilDiv(cols, lanes) * lanes * elementBytes <= segment.byteSize();
  }
}
