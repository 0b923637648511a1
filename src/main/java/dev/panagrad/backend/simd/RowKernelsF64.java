package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.FIRST_FOUR;
import static dev.panagrad.backend.simd.LanesF64.ODD;
import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.OUTSIDE;
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
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;

/**
 * The two inner loops of everything that walks over rows of a matrix: dot products of a block of
 * rows with a vector, and a weighted sum of a block of rows. Dot products take four rows at a time,
 * so that the vector is loaded once for four rows; sums take four vectors of columns at a time and
 * keep them in registers for all rows of the block. Independent chains, eight and four, hide the
 * latency of the multiply-add.
 *
 * <p>{@link RowBlock} chooses which four rows; a block whose rows are not a multiple of four is
 * filled up with its last row, and weights of zero: a second loop for the remainder would run too
 * rarely to be compiled well, and box its vectors. {@link NarrowRowsF64} has rows of one, two or
 * four vectors. A weight of zero times an element that is not finite is NaN.
 *
 * <p>The last vector of a row, partial or not, is read whole and the lanes beyond the row are set
 * to zero: masked loads from memory segments box their mask on JDK 25. {@link RowBlock} says where
 * such a read stays inside its segment.
 *
 * <p>Each of the two is cut into two methods, with arrays or memory between them, for the compiler:
 * an access to a segment with its arithmetic is 700 to 1,000 of its nodes, and beyond 18,000 in one
 * method it puts off what is left to inline, where vectors may stay objects. In one method each,
 * they came to 19,300 and 19,000 (JDK 25.0.3). How many there are depends on what ran before in the
 * process: with 16,400 in a fresh one, the last stores of a method were calls with objects in one
 * that had run for 12 minutes. So the methods are kept well below.
 */
final class RowKernelsF64 {
  /**
   * Bytes of a block, a quarter of the level-2 cache: the second loop finds the rows there. Narrow
   * rows come {@link RowBlock#MAX_ROWS} at a time and stay in the level-1 cache; for wide ones a
   * larger block means longer streams from memory, and that sums are read and written less often
   * (64 KiB took a seventh longer at 1,024 columns; 2-core AVX-512 x86, 2026-11-24).
   */
  private static final long BLOCK_BYTES = 256 * 1024;

  /**
   * Bytes of a row from which not even four fit the level-3 cache: rows are read from memory twice
   * in any case, and a block of {@link #GIANT_ROWS} reads weights and sums once for all of them.
   */
  private static final long GIANT_BYTES = 8 << 20;

  private static final int GIANT_ROWS = 16;

  /**
   * Columns per inner loop, a multiple of every vector length: its trip count and offsets are then
   * int.
   */
  static final long SEGMENT = 1 << 16;

  private static final int STRIDE = LanesF64.COUNT * LanesF64.BYTES;

  /** Bytes of four vectors, the columns that a turn of the sums keeps in registers. */
  private static final int PANEL = 4 * STRIDE;

  /**
   * {@link #STRIDE}, hidden from the compiler: it splits a loop of a known stride into one with
   * bounds checks, one without, and one with, and a row is so short that most of it would run in
   * the two slow ones (4,096 x 256: 127 to 99 us; 2-core AVX-512 x86, 2026-11-24).
   */
  @SuppressWarnings("FieldMayBeFinal")
  static int opaqueStride = STRIDE;

  private RowKernelsF64() {}

  /**
   * How many rows of that many columns make a block: a multiple of 4 from 4 to {@link
   * RowBlock#MAX_ROWS}.
   */
  static int blockRows(long cols) {
    long rowBytes = Math.max(1, cols * LanesF64.BYTES);
    if (rowBytes >= GIANT_BYTES) {
      return GIANT_ROWS;
    }
    return Math.clamp((BLOCK_BYTES / rowBytes) & -4, 4, RowBlock.MAX_ROWS);
  }

  /**
   * {@code out_i = sum_f x_if w_f}, for the rows in the order of their groups.
   *
   * @param x the located rows and weights
   * @param out as long as {@link RowBlock#MAX_ROWS} and a vector; where a group was filled up it
   *     means nothing
   */
  static void dots(RowBlock x, long cols, MemorySegment ws, long wAt, double[] out) {
    if (NarrowRowsF64.fits(cols)) {
      NarrowRowsF64.dots(x, cols, ws, wAt, out);
      return;
    }
    Arrays.fill(out, 0);
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
      long shift = from * LanesF64.BYTES;
      dotSegment(x, shift, n, ws, wAt + shift);
      long odd = (long) (n / LanesF64.COUNT - 1) * STRIDE;
      if (n / LanesF64.COUNT % 2 == 1) {
        addOdd(x, shift + odd, ws, wAt + shift + odd);
      }
      reduce(x, n, out, 0);
    }
  }

  /**
   * Leaves the sums of each row's whole vectors, a vector per row, in the block; of an odd number
   * of vectors without the last, which is for {@link #addOdd}.
   */
  private static void dotSegment(RowBlock x, long shift, int cols, MemorySegment ws, long wAt) {
    int rows = x.filled;
    MemorySegment xs = x.rows;
    long[] at = x.at;
    double[] parts = x.partsF64;
    int whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int stride = opaqueStride;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i] + shift;
      long x1 = at[i + 1] + shift;
      long x2 = at[i + 2] + shift;
      long x3 = at[i + 3] + shift;
      DoubleVector a0 = zero;
      DoubleVector a1 = zero;
      DoubleVector a2 = zero;
      DoubleVector a3 = zero;
      DoubleVector b0 = zero;
      DoubleVector b1 = zero;
      DoubleVector b2 = zero;
      DoubleVector b3 = zero;
      for (int o = 0; o <= whole - 2 * STRIDE; o += 2 * stride) {
        DoubleVector w0 = fromMemorySegment(SPECIES, ws, wAt + o, ORDER);
        a0 = fromMemorySegment(SPECIES, xs, x0 + o, ORDER).fma(w0, a0);
        a1 = fromMemorySegment(SPECIES, xs, x1 + o, ORDER).fma(w0, a1);
        a2 = fromMemorySegment(SPECIES, xs, x2 + o, ORDER).fma(w0, a2);
        a3 = fromMemorySegment(SPECIES, xs, x3 + o, ORDER).fma(w0, a3);
        DoubleVector w1 = fromMemorySegment(SPECIES, ws, wAt + o + STRIDE, ORDER);
        b0 = fromMemorySegment(SPECIES, xs, x0 + o + STRIDE, ORDER).fma(w1, b0);
        b1 = fromMemorySegment(SPECIES, xs, x1 + o + STRIDE, ORDER).fma(w1, b1);
        b2 = fromMemorySegment(SPECIES, xs, x2 + o + STRIDE, ORDER).fma(w1, b2);
        b3 = fromMemorySegment(SPECIES, xs, x3 + o + STRIDE, ORDER).fma(w1, b3);
      }
      a0.add(b0).intoArray(parts, i * LanesF64.COUNT);
      a1.add(b1).intoArray(parts, (i + 1) * LanesF64.COUNT);
      a2.add(b2).intoArray(parts, (i + 2) * LanesF64.COUNT);
      a3.add(b3).intoArray(parts, (i + 3) * LanesF64.COUNT);
    }
  }

  /** Adds to what {@link #dotSegment} left the vector that has no other beside it. */
  private static void addOdd(RowBlock x, long at, MemorySegment ws, long wAt) {
    int rows = x.filled;
    MemorySegment xs = x.rows;
    long[] rowAt = x.at;
    double[] parts = x.partsF64;
    DoubleVector w = fromMemorySegment(SPECIES, ws, wAt, ORDER);
    for (int i = 0; i < rows; i++) {
      DoubleVector sum = fromArray(SPECIES, parts, i * LanesF64.COUNT);
      fromMemorySegment(SPECIES, xs, rowAt[i] + at, ORDER)
          .fma(w, sum)
          .intoArray(parts, i * LanesF64.COUNT);
    }
  }

  /** Adds the last vector of each row to what {@link #dotSegment} left, and the sums to out. */
  private static void reduce(RowBlock x, int cols, double[] out, int outAt) {
    int rows = x.filled;
    double[] parts = x.partsF64;
    boolean hasTail = cols % LanesF64.COUNT != 0;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long tailShift = x.tailShift;
    VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
    DoubleVector zero = DoubleVector.zero(SPECIES);
    MemorySegment wts = x.weightTails;
    long wtAt = x.weightTailAt;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector a0 = fromArray(SPECIES, parts, i * LanesF64.COUNT);
      DoubleVector a1 = fromArray(SPECIES, parts, (i + 1) * LanesF64.COUNT);
      DoubleVector a2 = fromArray(SPECIES, parts, (i + 2) * LanesF64.COUNT);
      DoubleVector a3 = fromArray(SPECIES, parts, (i + 3) * LanesF64.COUNT);
      if (hasTail) {
        DoubleVector wTail = fromMemorySegment(SPECIES, wts, wtAt, ORDER).blend(zero, outside);
        a0 =
            fromMemorySegment(SPECIES, ts, tailAt[i] + tailShift, ORDER)
                .blend(zero, outside)
                .fma(wTail, a0);
        a1 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 1] + tailShift, ORDER)
                .blend(zero, outside)
                .fma(wTail, a1);
        a2 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 2] + tailShift, ORDER)
                .blend(zero, outside)
                .fma(wTail, a2);
        a3 =
            fromMemorySegment(SPECIES, ts, tailAt[i + 3] + tailShift, ORDER)
                .blend(zero, outside)
                .fma(wTail, a3);
      }
      if (LanesF64.COUNT == 2) {
        // Exchanging two lanes is not an instruction everywhere.
        out[outAt + i] += a0.lane(0) + a0.lane(1);
        out[outAt + i + 1] += a1.lane(0) + a1.lane(1);
        out[outAt + i + 2] += a2.lane(0) + a2.lane(1);
        out[outAt + i + 3] += a3.lane(0) + a3.lane(1);
      } else {
        // Two rows exchange halves and are added, so that one vector ends with parts of all four.
        DoubleVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        DoubleVector old = fromArray(SPECIES, out, outAt + i);
        old.blend(old.add(s), FIRST_FOUR).intoArray(out, outAt + i);
      }
    }
  }

  /**
   * {@link #dots} with four vectors at once, for rows of up to {@link #SEGMENT} columns.
   *
   * @param w byte offsets of the vectors
   * @param out product with vector {@code j} from {@code j * pitch}
   */
  static void dots4(RowBlock x, long cols, MemorySegment ws, long[] w, double[] out, int pitch) {
    Arrays.fill(out, 0);
    int n = (int) cols;
    int whole = (n & -LanesF64.COUNT) * LanesF64.BYTES;
    OutputRowsF64.dots(x, whole, ws, w[0], w[1], w[2], w[3], out, pitch);
    for (int j = 0; whole < n * LanesF64.BYTES && j < OutputRowsF64.OUTPUTS; j++) {
      x.locateWeights(ws, w[j], cols);
      Arrays.fill(x.partsF64, 0, x.filled * LanesF64.COUNT, 0);
      reduce(x, n, out, j * pitch);
    }
  }

  /**
   * {@code g_f += sum_i r_i x_if}.
   *
   * @param r weights in the order of the groups, zero where a group was filled up
   * @param gs memory of whole vectors: padded beyond the columns, where anything may be added
   */
  static void accumulate(RowBlock x, long cols, double[] r, MemorySegment gs, long gAt) {
    if (NarrowRowsF64.fits(cols)) {
      NarrowRowsF64.accumulate(x, cols, r, gs, gAt);
      return;
    }
    for (long from = 0; from < cols; from += SEGMENT) {
      int n = (int) Math.min(SEGMENT, cols - from);
      long shift = from * LanesF64.BYTES;
      accumulateSegment(x, shift, n, 0, r, 0, gs, gAt + shift);
    }
  }

  /** {@link #accumulate} into four sums at once, for rows of up to {@link #SEGMENT} columns. */
  static void accumulate4(
      RowBlock x, long cols, double[] r, int pitch, MemorySegment gs, long gAt, long gBytes) {
    int n = (int) cols;
    int pairs = (n & -2 * LanesF64.COUNT) * LanesF64.BYTES;
    OutputRowsF64.accumulate(
        x, pairs, r, pitch, gs, gAt, gAt + gBytes, gAt + 2 * gBytes, gAt + 3 * gBytes);
    for (int j = 0; pairs < n * LanesF64.BYTES && j < OutputRowsF64.OUTPUTS; j++) {
      accumulateSegment(x, 0, n, pairs, r, j * pitch, gs, gAt + j * gBytes);
    }
  }

  private static void accumulateSegment(
      RowBlock x,
      long shift,
      int cols,
      int start,
      double[] r,
      int rAt,
      MemorySegment gs,
      long gAt) {
    int whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    accumulatePanels(x, shift, start, whole, r, rAt, gs, gAt);
    int rest = start + (whole - start) / PANEL * PANEL;
    if (rest < cols * LanesF64.BYTES) {
      accumulateRest(x, shift, cols, rest, r, rAt, gs, gAt);
    }
  }

  private static void accumulatePanels(
      RowBlock x, long shift, int start, int end, double[] r, int rAt, MemorySegment gs, long gAt) {
    int rows = x.filled;
    MemorySegment xs = x.rows;
    long[] at = x.at;
    for (int o = start; o <= end - PANEL; o += PANEL) {
      long from = shift + o;
      DoubleVector g0 = fromMemorySegment(SPECIES, gs, gAt + o, ORDER);
      DoubleVector g1 = fromMemorySegment(SPECIES, gs, gAt + o + STRIDE, ORDER);
      DoubleVector g2 = fromMemorySegment(SPECIES, gs, gAt + o + 2L * STRIDE, ORDER);
      DoubleVector g3 = fromMemorySegment(SPECIES, gs, gAt + o + 3L * STRIDE, ORDER);
      for (int i = 0; i < rows; i += 2) {
        DoubleVector r0 = broadcast(SPECIES, r[rAt + i]);
        long x0 = at[i] + from;
        g0 = fromMemorySegment(SPECIES, xs, x0, ORDER).fma(r0, g0);
        g1 = fromMemorySegment(SPECIES, xs, x0 + STRIDE, ORDER).fma(r0, g1);
        g2 = fromMemorySegment(SPECIES, xs, x0 + 2L * STRIDE, ORDER).fma(r0, g2);
        g3 = fromMemorySegment(SPECIES, xs, x0 + 3L * STRIDE, ORDER).fma(r0, g3);
        DoubleVector r1 = broadcast(SPECIES, r[rAt + i + 1]);
        long x1 = at[i + 1] + from;
        g0 = fromMemorySegment(SPECIES, xs, x1, ORDER).fma(r1, g0);
        g1 = fromMemorySegment(SPECIES, xs, x1 + STRIDE, ORDER).fma(r1, g1);
        g2 = fromMemorySegment(SPECIES, xs, x1 + 2L * STRIDE, ORDER).fma(r1, g2);
        g3 = fromMemorySegment(SPECIES, xs, x1 + 3L * STRIDE, ORDER).fma(r1, g3);
      }
      g0.intoMemorySegment(gs, gAt + o, ORDER);
      g1.intoMemorySegment(gs, gAt + o + STRIDE, ORDER);
      g2.intoMemorySegment(gs, gAt + o + 2L * STRIDE, ORDER);
      g3.intoMemorySegment(gs, gAt + o + 3L * STRIDE, ORDER);
    }
  }

  /** Columns that are not four vectors; four rows at a time, which is too large to be inlined. */
  private static void accumulateRest(
      RowBlock x,
      long shift,
      int cols,
      int start,
      double[] r,
      int rAt,
      MemorySegment gs,
      long gAt) {
    int rows = x.filled;
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    for (int o = start; o < whole; o += STRIDE) {
      long from = shift + o;
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER);
      for (int i = 0; i < rows; i += 4) {
        DoubleVector r0 = broadcast(SPECIES, r[rAt + i]);
        g = fromMemorySegment(SPECIES, xs, at[i] + from, ORDER).fma(r0, g);
        DoubleVector r1 = broadcast(SPECIES, r[rAt + i + 1]);
        g = fromMemorySegment(SPECIES, xs, at[i + 1] + from, ORDER).fma(r1, g);
        DoubleVector r2 = broadcast(SPECIES, r[rAt + i + 2]);
        g = fromMemorySegment(SPECIES, xs, at[i + 2] + from, ORDER).fma(r2, g);
        DoubleVector r3 = broadcast(SPECIES, r[rAt + i + 3]);
        g = fromMemorySegment(SPECIES, xs, at[i + 3] + from, ORDER).fma(r3, g);
      }
      g.intoMemorySegment(gs, gAt + o, ORDER);
    }
    if (whole < cols * LanesF64.BYTES) {
      MemorySegment ts = x.tails;
      long[] tailAt = x.tailAt;
      long tailShift = x.tailShift;
      VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
      DoubleVector zero = DoubleVector.zero(SPECIES);
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + whole, ORDER);
      for (int i = 0; i < rows; i++) {
        DoubleVector tail =
            fromMemorySegment(SPECIES, ts, tailAt[i] + tailShift, ORDER).blend(zero, outside);
        g = tail.fma(broadcast(SPECIES, r[rAt + i]), g);
      }
      g.intoMemorySegment(gs, gAt + whole, ORDER);
    }
  }
}
