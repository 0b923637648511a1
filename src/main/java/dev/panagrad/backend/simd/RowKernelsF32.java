package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.FIRST_FOUR;
import static dev.panagrad.backend.simd.LanesF32.ODD;
import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SECOND;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.SWAP_1;
import static dev.panagrad.backend.simd.LanesF32.SWAP_2;
import static dev.panagrad.backend.simd.LanesF32.SWAP_4;
import static dev.panagrad.backend.simd.LanesF32.SWAP_8;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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
   * {@code out_i = sum_f x_if w_f}.
   *
   * @param x the located rows and weights
   * @param rows rows in the block
   * @param out as long as {@link RowBlock#MAX_ROWS} and a vector; beyond the rows it means nothing
   */
  static void dots(RowBlock x, int rows, long cols, MemorySegment ws, long wAt, float[] out) {
    Arrays.fill(out, 0);
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
      long shift = from * LanesF32.BYTES;
      dotSegment(x, shift, rows, n, from + n == cols, ws, wAt + shift, out);
    }
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
    VectorMask<Float> outside = OUTSIDE.get((cols - 1) % LanesF32.COUNT);
    FloatVector zero = FloatVector.zero(SPECIES);
    MemorySegment wts = isLast ? x.weightTails : ws;
    long wtAt = isLast ? x.weightTailAt : wAt + whole;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      FloatVector a0 = zero;
      FloatVector a1 = zero;
      FloatVector a2 = zero;
      FloatVector a3 = zero;
      for (int o = 0; o < whole; o += STRIDE) {
        FloatVector w = fromMemorySegment(SPECIES, ws, wAt + o, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o, ORDER).fma(w, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o, ORDER).fma(w, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o, ORDER).fma(w, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o, ORDER).fma(w, a3);
      }
      FloatVector wTail = fromMemorySegment(SPECIES, wts, wtAt, ORDER).blend(zero, outside);
      a0 = fromMemorySegment(SPECIES, ts, tailAt[i] + t, ORDER).blend(zero, outside).fma(wTail, a0);
      a1 =
          fromMemorySegment(SPECIES, ts, tailAt[i + 1] + t, ORDER)
              .blend(zero, outside)
              .fma(wTail, a1);
      a2 =
          fromMemorySegment(SPECIES, ts, tailAt[i + 2] + t, ORDER)
              .blend(zero, outside)
              .fma(wTail, a2);
      a3 =
          fromMemorySegment(SPECIES, ts, tailAt[i + 3] + t, ORDER)
              .blend(zero, outside)
              .fma(wTail, a3);
      if (LanesF32.COUNT == 2) {
        // Exchanging two lanes is not an instruction everywhere.
        out[i] += a0.lane(0) + a0.lane(1);
        out[i + 1] += a1.lane(0) + a1.lane(1);
        out[i + 2] += a2.lane(0) + a2.lane(1);
        out[i + 3] += a3.lane(0) + a3.lane(1);
      } else {
        // Two rows exchange halves and are added, so that one vector ends with parts of all four.
        FloatVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        FloatVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        FloatVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF32.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF32.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        FloatVector old = fromArray(SPECIES, out, i);
        old.blend(old.add(s), FIRST_FOUR).intoArray(out, i);
      }
    }
  }

  /**
   * {@code g_f += sum_i r_i x_if}.
   *
   * @param r weights, zero beyond the rows up to a multiple of four
   * @param gs memory of whole vectors: padded beyond the columns, where zeros are added
   */
  static void accumulate(RowBlock x, int rows, long cols, float[] r, MemorySegment gs, long gAt) {
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
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
    VectorMask<Float> outside = OUTSIDE.get((cols - 1) % LanesF32.COUNT);
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      FloatVector r0 = broadcast(SPECIES, r[i]);
      FloatVector r1 = broadcast(SPECIES, r[i + 1]);
      FloatVector r2 = broadcast(SPECIES, r[i + 2]);
      FloatVector r3 = broadcast(SPECIES, r[i + 3]);
      for (int o = 0; o < whole; o += STRIDE) {
        FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER);
        g = fromMemorySegment(SPECIES, xs, x0 + o, ORDER).fma(r0, g);
        g = fromMemorySegment(SPECIES, xs, x1 + o, ORDER).fma(r1, g);
        g = fromMemorySegment(SPECIES, xs, x2 + o, ORDER).fma(r2, g);
        g = fromMemorySegment(SPECIES, xs, x3 + o, ORDER).fma(r3, g);
        g.intoMemorySegment(gs, gAt + o, ORDER);
      }
      FloatVector gTail = fromMemorySegment(SPECIES, gs, gAt + whole, ORDER);
      gTail =
          fromMemorySegment(SPECIES, ts, tailAt[i] + t, ORDER).blend(zero, outside).fma(r0, gTail);
      gTail =
          fromMemorySegment(SPECIES, ts, tailAt[i + 1] + t, ORDER)
              .blend(zero, outside)
              .fma(r1, gTail);
      gTail =
          fromMemorySegment(SPECIES, ts, tailAt[i + 2] + t, ORDER)
              .blend(zero, outside)
              .fma(r2, gTail);
      gTail =
          fromMemorySegment(SPECIES, ts, tailAt[i + 3] + t, ORDER)
              .blend(zero, outside)
              .fma(r3, gTail);
      gTail.intoMemorySegment(gs, gAt + whole, ORDER);
    }
  }
}
