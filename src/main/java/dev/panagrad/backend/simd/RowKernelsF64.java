package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.FIRST_FOUR;
import static dev.panagrad.backend.simd.LanesF64.ODD;
import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SECOND;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.SWAP_1;
import static dev.panagrad.backend.simd.LanesF64.SWAP_2;
import static dev.panagrad.backend.simd.LanesF64.SWAP_4;
import static dev.panagrad.backend.simd.LanesF64.SWAP_8;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromArray;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;

/**
 * The two inner loops of everything that walks over rows of a matrix: dot products of a block of
 * rows with a vector, and a weighted sum of a block of rows. Dot products take four rows at a time,
 * so that the vector is loaded once for four rows; sums take four vectors of columns at a time and
 * keep them in registers for all rows of the block. Both have four independent chains, which hide
 * the latency of the multiply-add, and are unrolled: the compiler checks bounds and liveness in
 * every turn of a loop as short as a row.
 *
 * <p>A block whose rows are not a multiple of four is filled up with its last row by {@link
 * RowBlock}, and weights of zero: a second loop for the remainder would run too rarely to be
 * compiled well, and box its vectors.
 *
 * <p>The last vector of a row, partial or not, is read whole and the lanes beyond the row are set
 * to zero: masked loads from memory segments box their mask on JDK 25. {@link RowBlock} says where
 * such a read stays inside its segment.
 */
final class RowKernelsF64 {
  /**
   * Bytes of a block, in the level-2 cache: the second loop finds the rows there. Narrow rows come
   * {@link RowBlock#MAX_ROWS} at a time and stay in the level-1 cache; for wide ones a larger block
   * means that weights and sums are read less often (16 KiB took a third longer at 1,024 columns).
   */
  private static final long BLOCK_BYTES = 64 * 1024;

  /**
   * Columns per inner loop, a multiple of every vector length: its trip count and offsets are then
   * int.
   */
  private static final long SEGMENT = 1 << 16;

  private static final int STRIDE = LanesF64.COUNT * LanesF64.BYTES;

  /** Bytes of four vectors, the columns of one turn of the inner loops. */
  private static final int PANEL = 4 * STRIDE;

  /**
   * By the last lane used. Made once: making a mask in a kernel allocates where the compiler stops
   * inlining.
   */
  private static final List<VectorMask<Double>> OUTSIDE =
      IntStream.range(0, LanesF64.COUNT)
          .mapToObj(last -> LanesF64.SPECIES.indexInRange(0, last + 1).not())
          .toList();

  private RowKernelsF64() {}

  /**
   * How many rows of that many columns make a block: a multiple of 4 from 4 to {@link
   * RowBlock#MAX_ROWS}.
   */
  static int blockRows(long cols) {
    long rows = BLOCK_BYTES / Math.max(1, cols * LanesF64.BYTES);
    return Math.clamp(rows & -4, 4, RowBlock.MAX_ROWS);
  }

  /**
   * {@code out_i = sum_f x_if w_f}.
   *
   * @param x the located rows and weights
   * @param rows rows in the block
   * @param out as long as {@link RowBlock#MAX_ROWS} and a vector; beyond the rows it means nothing
   */
  static void dots(RowBlock x, int rows, long cols, MemorySegment ws, long wAt, double[] out) {
    Arrays.fill(out, 0);
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
      long shift = from * LanesF64.BYTES;
      dotSegment(x, shift, rows, n, ws, wAt + shift, out);
    }
  }

  private static void dotSegment(
      RowBlock x, long shift, int rows, int cols, MemorySegment ws, long wAt, double[] out) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    boolean hasTail = whole < cols * LanesF64.BYTES;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
    DoubleVector zero = DoubleVector.zero(SPECIES);
    MemorySegment wts = x.weightTails;
    long wtAt = x.weightTailAt;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      DoubleVector a0 = zero;
      DoubleVector a1 = zero;
      DoubleVector a2 = zero;
      DoubleVector a3 = zero;
      int o = 0;
      for (; o <= whole - PANEL; o += PANEL) {
        DoubleVector w0 = fromMemorySegment(SPECIES, ws, wAt + o, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o, ORDER).fma(w0, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o, ORDER).fma(w0, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o, ORDER).fma(w0, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o, ORDER).fma(w0, a3);
        DoubleVector w1 = fromMemorySegment(SPECIES, ws, wAt + o + STRIDE, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o + STRIDE, ORDER).fma(w1, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o + STRIDE, ORDER).fma(w1, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o + STRIDE, ORDER).fma(w1, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o + STRIDE, ORDER).fma(w1, a3);
        DoubleVector w2 = fromMemorySegment(SPECIES, ws, wAt + o + 2L * STRIDE, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o + 2L * STRIDE, ORDER).fma(w2, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o + 2L * STRIDE, ORDER).fma(w2, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o + 2L * STRIDE, ORDER).fma(w2, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o + 2L * STRIDE, ORDER).fma(w2, a3);
        DoubleVector w3 = fromMemorySegment(SPECIES, ws, wAt + o + 3L * STRIDE, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o + 3L * STRIDE, ORDER).fma(w3, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o + 3L * STRIDE, ORDER).fma(w3, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o + 3L * STRIDE, ORDER).fma(w3, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o + 3L * STRIDE, ORDER).fma(w3, a3);
      }
      for (; o < whole; o += STRIDE) {
        DoubleVector w = fromMemorySegment(SPECIES, ws, wAt + o, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o, ORDER).fma(w, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o, ORDER).fma(w, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o, ORDER).fma(w, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o, ORDER).fma(w, a3);
      }
      if (hasTail) {
        DoubleVector wTail = fromMemorySegment(SPECIES, wts, wtAt, ORDER).blend(zero, outside);
        a0 = fromMemorySegment(SPECIES, ts, tailAt[i], ORDER).blend(zero, outside).fma(wTail, a0);
        a1 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 1], ORDER)
                .blend(zero, outside)
                .fma(wTail, a1);
        a2 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 2], ORDER)
                .blend(zero, outside)
                .fma(wTail, a2);
        a3 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 3], ORDER)
                .blend(zero, outside)
                .fma(wTail, a3);
      }
      if (LanesF64.COUNT == 2) {
        // Exchanging two lanes is not an instruction everywhere.
        out[i] += a0.lane(0) + a0.lane(1);
        out[i + 1] += a1.lane(0) + a1.lane(1);
        out[i + 2] += a2.lane(0) + a2.lane(1);
        out[i + 3] += a3.lane(0) + a3.lane(1);
      } else {
        // Two rows exchange halves and are added, so that one vector ends with parts of all four.
        DoubleVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        DoubleVector old = fromArray(SPECIES, out, i);
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
  static void accumulate(RowBlock x, int rows, long cols, double[] r, MemorySegment gs, long gAt) {
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
      long shift = from * LanesF64.BYTES;
      accumulateSegment(x, shift, rows, n, r, gs, gAt + shift);
    }
  }

  private static void accumulateSegment(
      RowBlock x, long shift, int rows, int cols, double[] r, MemorySegment gs, long gAt) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    int o = 0;
    for (; o <= whole - PANEL; o += PANEL) {
      long from = shift + o;
      DoubleVector g0 = fromMemorySegment(SPECIES, gs, gAt + o, ORDER);
      DoubleVector g1 = fromMemorySegment(SPECIES, gs, gAt + o + STRIDE, ORDER);
      DoubleVector g2 = fromMemorySegment(SPECIES, gs, gAt + o + 2L * STRIDE, ORDER);
      DoubleVector g3 = fromMemorySegment(SPECIES, gs, gAt + o + 3L * STRIDE, ORDER);
      for (int i = 0; i < rows; i += 4) {
        DoubleVector r0 = broadcast(SPECIES, r[i]);
        long x0 = at[i] + from;
        g0 = fromMemorySegment(SPECIES, xs, x0, ORDER).fma(r0, g0);
        g1 = fromMemorySegment(SPECIES, xs, x0 + STRIDE, ORDER).fma(r0, g1);
        g2 = fromMemorySegment(SPECIES, xs, x0 + 2L * STRIDE, ORDER).fma(r0, g2);
        g3 = fromMemorySegment(SPECIES, xs, x0 + 3L * STRIDE, ORDER).fma(r0, g3);
        DoubleVector r1 = broadcast(SPECIES, r[i + 1]);
        long x1 = at[i + 1] + from;
        g0 = fromMemorySegment(SPECIES, xs, x1, ORDER).fma(r1, g0);
        g1 = fromMemorySegment(SPECIES, xs, x1 + STRIDE, ORDER).fma(r1, g1);
        g2 = fromMemorySegment(SPECIES, xs, x1 + 2L * STRIDE, ORDER).fma(r1, g2);
        g3 = fromMemorySegment(SPECIES, xs, x1 + 3L * STRIDE, ORDER).fma(r1, g3);
        DoubleVector r2 = broadcast(SPECIES, r[i + 2]);
        long x2 = at[i + 2] + from;
        g0 = fromMemorySegment(SPECIES, xs, x2, ORDER).fma(r2, g0);
        g1 = fromMemorySegment(SPECIES, xs, x2 + STRIDE, ORDER).fma(r2, g1);
        g2 = fromMemorySegment(SPECIES, xs, x2 + 2L * STRIDE, ORDER).fma(r2, g2);
        g3 = fromMemorySegment(SPECIES, xs, x2 + 3L * STRIDE, ORDER).fma(r2, g3);
        DoubleVector r3 = broadcast(SPECIES, r[i + 3]);
        long x3 = at[i + 3] + from;
        g0 = fromMemorySegment(SPECIES, xs, x3, ORDER).fma(r3, g0);
        g1 = fromMemorySegment(SPECIES, xs, x3 + STRIDE, ORDER).fma(r3, g1);
        g2 = fromMemorySegment(SPECIES, xs, x3 + 2L * STRIDE, ORDER).fma(r3, g2);
        g3 = fromMemorySegment(SPECIES, xs, x3 + 3L * STRIDE, ORDER).fma(r3, g3);
      }
      g0.intoMemorySegment(gs, gAt + o, ORDER);
      g1.intoMemorySegment(gs, gAt + o + STRIDE, ORDER);
      g2.intoMemorySegment(gs, gAt + o + 2L * STRIDE, ORDER);
      g3.intoMemorySegment(gs, gAt + o + 3L * STRIDE, ORDER);
    }
    for (; o < whole; o += STRIDE) {
      long from = shift + o;
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER);
      for (int i = 0; i < rows; i++) {
        g = fromMemorySegment(SPECIES, xs, at[i] + from, ORDER).fma(broadcast(SPECIES, r[i]), g);
      }
      g.intoMemorySegment(gs, gAt + o, ORDER);
    }
    if (whole < cols * LanesF64.BYTES) {
      MemorySegment ts = x.tails;
      long[] tailAt = x.tailAt;
      VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
      DoubleVector zero = DoubleVector.zero(SPECIES);
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + whole, ORDER);
      for (int i = 0; i < rows; i++) {
        DoubleVector tail = fromMemorySegment(SPECIES, ts, tailAt[i], ORDER).blend(zero, outside);
        g = tail.fma(broadcast(SPECIES, r[i]), g);
      }
      g.intoMemorySegment(gs, gAt + whole, ORDER);
    }
  }
}
