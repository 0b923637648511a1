package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;
import static dev.panagrad.backend.simd.LanesF32.sum;
import static dev.panagrad.backend.simd.LanesF32.zero;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The two inner loops of everything that walks over rows of a matrix: dot products of a block of
 * rows with a vector, and a weighted sum of a block of rows. Four rows at a time: the vector and
 * the sum are then loaded once for four rows, and four independent chains hide the latency of the
 * multiply-add.
 *
 * <p>A block whose rows are not a multiple of four is filled up with its last row by {@link
 * RowBlock}, and weights of zero: a second loop for the remainder would run too rarely to be
 * compiled well, and box its vectors.
 *
 * <p>The inner loops run at least once, by {@code do}: a loop that may be skipped merges its
 * vectors with those before it, and where both happen often the compiler boxes them. Rows of one
 * vector have loops of their own, {@link NarrowRowsF32}.
 *
 * <p>The last vector of a row, partial or not, is read whole and the lanes beyond the row are set
 * to zero: masked loads from memory segments box their mask on JDK 25. {@link RowBlock} says where
 * such a read stays inside its segment.
 */
final class RowKernelsF32 {
  /**
   * Bytes of a block: half of a 32 KiB level-1 cache, so that the second loop finds the rows there.
   */
  private static final long BLOCK_BYTES = 16 * 1024;

  /**
   * Columns per inner loop, a multiple of every vector length: its trip count and offsets are then
   * int.
   */
  private static final long SEGMENT = 1 << 16;

  private static final int STRIDE = LanesF32.COUNT * LanesF32.BYTES;

  /**
   * By the last lane used. Made once: making a mask in a kernel allocates where the compiler stops
   * inlining.
   */
  private static final List<VectorMask<Float>> OUTSIDE =
      IntStream.range(0, LanesF32.COUNT)
          .mapToObj(last -> LanesF32.SPECIES.indexInRange(0, last + 1).not())
          .toList();

  private RowKernelsF32() {}

  /**
   * How many rows of that many columns make a block: a multiple of 4 from 4 to {@link
   * RowBlock#MAX_ROWS}.
   */
  static int blockRows(long cols) {
    long rows = BLOCK_BYTES / Math.max(1, cols * LanesF32.BYTES);
    return Math.clamp(rows & -4, 4, RowBlock.MAX_ROWS);
  }

  /**
   * {@code out_i = sum_f x_if w_f}. Results beyond the rows, up to a multiple of four, mean
   * nothing.
   *
   * @param x the located rows and weights
   * @param rows rows in the block
   */
  static void dots(RowBlock x, int rows, long cols, MemorySegment ws, long wAt, float[] out) {
    if (cols <= LanesF32.COUNT) {
      NarrowRowsF32.dots(x, rows, outside((int) cols), out);
      return;
    }
    for (long from = 0; from < cols; from = next(from, cols)) {
      int n = (int) (next(from, cols) - from);
      long shift = from * LanesF32.BYTES;
      dotSegment(x, shift, rows, n, from + n == cols, ws, wAt + shift, out);
    }
  }

  /**
   * Where the segment from there ends: never so that the next one would be less than two vectors.
   */
  private static long next(long from, long cols) {
    return cols - from < 2 * SEGMENT ? cols : from + SEGMENT;
  }

  private static void dotSegment(
      RowBlock x,
      long shift,
      int rows,
      int cols,
      boolean isLast,
      MemorySegment ws,
      long wAt,
      float[] out) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int whole = ((cols - 1) & -LanesF32.COUNT) * LanesF32.BYTES;
    // The last vector of the row may be in a buffer; that of an earlier segment is in the row.
    MemorySegment ts = isLast ? x.tails : xs;
    long[] tailAt = isLast ? x.tailAt : at;
    long t = isLast ? 0 : shift + whole;
    VectorMask<Float> outside = outside(cols);
    MemorySegment wts = isLast ? x.weightTails : ws;
    long wtAt = isLast ? x.weightTailAt : wAt + whole;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      FloatVector a0 = zero();
      FloatVector a1 = zero();
      FloatVector a2 = zero();
      FloatVector a3 = zero();
      int o = 0;
      do {
        FloatVector w = load(ws, wAt + o);
        a0 = fma(load(xs, x0 + o), w, a0);
        a1 = fma(load(xs, x1 + o), w, a1);
        a2 = fma(load(xs, x2 + o), w, a2);
        a3 = fma(load(xs, x3 + o), w, a3);
        o += STRIDE;
      } while (o < whole);
      FloatVector wTail = load(wts, wtAt).blend(zero(), outside);
      a0 = fma(load(ts, tailAt[i] + t).blend(zero(), outside), wTail, a0);
      a1 = fma(load(ts, tailAt[i + 1] + t).blend(zero(), outside), wTail, a1);
      a2 = fma(load(ts, tailAt[i + 2] + t).blend(zero(), outside), wTail, a2);
      a3 = fma(load(ts, tailAt[i + 3] + t).blend(zero(), outside), wTail, a3);
      put(out, i, sum(a0), shift);
      put(out, i + 1, sum(a1), shift);
      put(out, i + 2, sum(a2), shift);
      put(out, i + 3, sum(a3), shift);
    }
  }

  private static void put(float[] out, int i, float sum, long shift) {
    out[i] = shift == 0 ? sum : out[i] + sum;
  }

  /**
   * {@code g_f += sum_i r_i x_if}.
   *
   * @param r weights, zero beyond the rows up to a multiple of four
   * @param gs memory of whole vectors: padded beyond the columns, where zeros are added
   */
  static void accumulate(RowBlock x, int rows, long cols, float[] r, MemorySegment gs, long gAt) {
    if (cols <= LanesF32.COUNT) {
      NarrowRowsF32.accumulate(x, rows, outside((int) cols), r, gs, gAt);
      return;
    }
    for (long from = 0; from < cols; from = next(from, cols)) {
      int n = (int) (next(from, cols) - from);
      long shift = from * LanesF32.BYTES;
      accumulateSegment(x, shift, rows, n, from + n == cols, r, gs, gAt + shift);
    }
  }

  private static void accumulateSegment(
      RowBlock x,
      long shift,
      int rows,
      int cols,
      boolean isLast,
      float[] r,
      MemorySegment gs,
      long gAt) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int whole = ((cols - 1) & -LanesF32.COUNT) * LanesF32.BYTES;
    // The last vector of the row may be in a buffer; that of an earlier segment is in the row.
    MemorySegment ts = isLast ? x.tails : xs;
    long[] tailAt = isLast ? x.tailAt : at;
    long t = isLast ? 0 : shift + whole;
    VectorMask<Float> outside = outside(cols);
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      FloatVector r0 = splat(r[i]);
      FloatVector r1 = splat(r[i + 1]);
      FloatVector r2 = splat(r[i + 2]);
      FloatVector r3 = splat(r[i + 3]);
      int o = 0;
      do {
        FloatVector g = load(gs, gAt + o);
        g = fma(load(xs, x0 + o), r0, g);
        g = fma(load(xs, x1 + o), r1, g);
        g = fma(load(xs, x2 + o), r2, g);
        g = fma(load(xs, x3 + o), r3, g);
        store(g, gs, gAt + o);
        o += STRIDE;
      } while (o < whole);
      FloatVector gTail = load(gs, gAt + whole);
      gTail = fma(load(ts, tailAt[i] + t).blend(zero(), outside), r0, gTail);
      gTail = fma(load(ts, tailAt[i + 1] + t).blend(zero(), outside), r1, gTail);
      gTail = fma(load(ts, tailAt[i + 2] + t).blend(zero(), outside), r2, gTail);
      gTail = fma(load(ts, tailAt[i + 3] + t).blend(zero(), outside), r3, gTail);
      store(gTail, gs, gAt + whole);
    }
  }

  /** The lanes beyond the columns in the last vector of a row. */
  private static VectorMask<Float> outside(int cols) {
    return OUTSIDE.get((cols - 1) % LanesF32.COUNT);
  }
}
