package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;
import static dev.panagrad.backend.simd.LanesF64.zero;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The two inner loops of everything that walks over rows of a matrix: dot products of a block of rows with a vector, and
 * a weighted sum of a block of rows. Four rows at a time: the vector and the sum are then loaded once for four rows, and
 * four independent chains hide the latency of the multiply-add.
 */
final class RowKernelsF64 {
  /** Rows per block, at most: their offsets and results are kept in arrays of this length. */
  static final int MAX_ROWS = 64;

  /** Bytes of a block: half of a 32 KiB level-1 cache, so that the second loop finds the rows there. */
  private static final long BLOCK_BYTES = 16 * 1024;

  private static final long STRIDE = (long) LanesF64.COUNT * LanesF64.BYTES;

  private RowKernelsF64() {}

  /** How many rows of that many columns make a block: a multiple of 4 from 4 to {@link #MAX_ROWS}. */
  static int blockRows(long cols) {
    long rows = BLOCK_BYTES / Math.max(1, cols * LanesF64.BYTES);
    return Math.clamp(rows & -4, 4, MAX_ROWS);
  }

  /**
   * {@code out_i = sum_f x_if w_f}.
   *
   * @param at byte offset of each row in {@code xs}
   * @param rows rows in the block
   */
  static void dots(
      MemorySegment xs, long[] at, int rows, long cols, MemorySegment ws, long wAt, double[] out) {
    long whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    boolean ragged = whole < cols * LanesF64.BYTES;
    VectorMask<Double> mask = tail(cols);
    DoubleVector wTail = ragged ? load(ws, wAt + whole, mask) : zero();
    int i = 0;
    for (; i + 4 <= rows; i += 4) {
      long x0 = at[i];
      long x1 = at[i + 1];
      long x2 = at[i + 2];
      long x3 = at[i + 3];
      DoubleVector a0 = zero();
      DoubleVector a1 = zero();
      DoubleVector a2 = zero();
      DoubleVector a3 = zero();
      for (long o = 0; o < whole; o += STRIDE) {
        DoubleVector w = load(ws, wAt + o);
        a0 = fma(load(xs, x0 + o), w, a0);
        a1 = fma(load(xs, x1 + o), w, a1);
        a2 = fma(load(xs, x2 + o), w, a2);
        a3 = fma(load(xs, x3 + o), w, a3);
      }
      if (ragged) {
        a0 = fma(load(xs, x0 + whole, mask), wTail, a0);
        a1 = fma(load(xs, x1 + whole, mask), wTail, a1);
        a2 = fma(load(xs, x2 + whole, mask), wTail, a2);
        a3 = fma(load(xs, x3 + whole, mask), wTail, a3);
      }
      out[i] = a0.reduceLanes(VectorOperators.ADD);
      out[i + 1] = a1.reduceLanes(VectorOperators.ADD);
      out[i + 2] = a2.reduceLanes(VectorOperators.ADD);
      out[i + 3] = a3.reduceLanes(VectorOperators.ADD);
    }
    for (; i < rows; i++) {
      long x0 = at[i];
      DoubleVector a0 = zero();
      for (long o = 0; o < whole; o += STRIDE) {
        a0 = fma(load(xs, x0 + o), load(ws, wAt + o), a0);
      }
      if (ragged) {
        a0 = fma(load(xs, x0 + whole, mask), wTail, a0);
      }
      out[i] = a0.reduceLanes(VectorOperators.ADD);
    }
  }

  /**
   * {@code g_f += sum_i r_i x_if}.
   *
   * @param gs memory of whole vectors: padded beyond the columns, where zeros are added
   */
  static void accumulate(
      MemorySegment xs, long[] at, int rows, long cols, double[] r, MemorySegment gs, long gAt) {
    long whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    boolean ragged = whole < cols * LanesF64.BYTES;
    VectorMask<Double> mask = tail(cols);
    DoubleVector gTail = ragged ? load(gs, gAt + whole) : zero();
    int i = 0;
    for (; i + 4 <= rows; i += 4) {
      long x0 = at[i];
      long x1 = at[i + 1];
      long x2 = at[i + 2];
      long x3 = at[i + 3];
      DoubleVector r0 = splat(r[i]);
      DoubleVector r1 = splat(r[i + 1]);
      DoubleVector r2 = splat(r[i + 2]);
      DoubleVector r3 = splat(r[i + 3]);
      for (long o = 0; o < whole; o += STRIDE) {
        DoubleVector g = load(gs, gAt + o);
        g = fma(load(xs, x0 + o), r0, g);
        g = fma(load(xs, x1 + o), r1, g);
        g = fma(load(xs, x2 + o), r2, g);
        g = fma(load(xs, x3 + o), r3, g);
        store(g, gs, gAt + o);
      }
      if (ragged) {
        gTail = fma(load(xs, x0 + whole, mask), r0, gTail);
        gTail = fma(load(xs, x1 + whole, mask), r1, gTail);
        gTail = fma(load(xs, x2 + whole, mask), r2, gTail);
        gTail = fma(load(xs, x3 + whole, mask), r3, gTail);
      }
    }
    for (; i < rows; i++) {
      long x0 = at[i];
      DoubleVector r0 = splat(r[i]);
      for (long o = 0; o < whole; o += STRIDE) {
        store(fma(load(xs, x0 + o), r0, load(gs, gAt + o)), gs, gAt + o);
      }
      if (ragged) {
        gTail = fma(load(xs, x0 + whole, mask), r0, gTail);
      }
    }
    if (ragged) {
      store(gTail, gs, gAt + whole);
    }
  }

  /** The lanes of the last, partial vector of a row. */
  static VectorMask<Double> tail(long cols) {
    return LanesF64.SPECIES.indexInRange(0, (int) (cols % LanesF64.COUNT));
  }
}
