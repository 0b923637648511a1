package dev.panagrad.backend.simd;

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
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;

/**
 * The inner loops of {@link RowKernelsF64} for rows of one, two or four vectors: weights and sums
 * stay in registers for the whole block, and there is no loop over columns, whose start and end
 * took longer than the columns (256 x 64: 2.3 to 1.5 us, 2-core AVX-512 x86, 2026-11-24).
 *
 * <p>Dot products and sums are two loops over the block and not one: a row's residual comes some 60
 * cycles after its elements, and the processor looks ahead two groups at most (in one loop 256 x 64
 * took a quarter longer).
 *
 * <p>The last vector of a row is read whole; lanes beyond the row are set to zero in dot products,
 * and in sums go to padding that is part of no result.
 */
final class NarrowRowsF64 {
  private static final int STRIDE = LanesF64.COUNT * LanesF64.BYTES;

  private NarrowRowsF64() {}

  /** Whether rows of that many columns have one, two or four vectors. */
  static boolean fits(long cols) {
    long vectors = (cols + LanesF64.COUNT - 1) / LanesF64.COUNT;
    return vectors == 1 || vectors == 2 || vectors == 4;
  }

  /** As {@link RowKernelsF64#dots}. */
  static void dots(RowBlock x, long cols, MemorySegment ws, long wAt, double[] out) {
    if (cols <= LanesF64.COUNT) {
      dots1(x, (int) cols, out);
    } else if (cols <= 2L * LanesF64.COUNT) {
      dots2(x, (int) cols, ws, wAt, out);
    } else {
      dots4(x, (int) cols, ws, wAt, out);
    }
  }

  /** As {@link RowKernelsF64#accumulate}. */
  static void accumulate(RowBlock x, long cols, double[] r, MemorySegment gs, long gAt) {
    if (cols <= LanesF64.COUNT) {
      sums1(x, r, gs, gAt);
    } else if (cols <= 2L * LanesF64.COUNT) {
      sums2(x, r, gs, gAt);
    } else {
      sums4(x, r, gs, gAt);
    }
  }

  private static void dots1(RowBlock x, int cols, double[] out) {
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector w0 =
        fromMemorySegment(SPECIES, x.weightTails, x.weightTailAt, ORDER).blend(zero, outside);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector t0 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER);
      DoubleVector t1 = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER);
      DoubleVector t2 = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER);
      DoubleVector t3 = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER);
      DoubleVector a0 = t0.blend(zero, outside).mul(w0);
      DoubleVector a1 = t1.blend(zero, outside).mul(w0);
      DoubleVector a2 = t2.blend(zero, outside).mul(w0);
      DoubleVector a3 = t3.blend(zero, outside).mul(w0);
      if (LanesF64.COUNT == 2) {
        out[i] = a0.lane(0) + a0.lane(1);
        out[i + 1] = a1.lane(0) + a1.lane(1);
        out[i + 2] = a2.lane(0) + a2.lane(1);
        out[i + 3] = a3.lane(0) + a3.lane(1);
      } else {
        DoubleVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        s.intoArray(out, i);
      }
    }
  }

  private static void dots2(RowBlock x, int cols, MemorySegment ws, long wAt, double[] out) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector w0 = fromMemorySegment(SPECIES, ws, wAt, ORDER);
    DoubleVector w1 =
        fromMemorySegment(SPECIES, x.weightTails, x.weightTailAt, ORDER).blend(zero, outside);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i];
      long x1 = at[i + 1];
      long x2 = at[i + 2];
      long x3 = at[i + 3];
      DoubleVector a0 = fromMemorySegment(SPECIES, xs, x0, ORDER).mul(w0);
      DoubleVector a1 = fromMemorySegment(SPECIES, xs, x1, ORDER).mul(w0);
      DoubleVector a2 = fromMemorySegment(SPECIES, xs, x2, ORDER).mul(w0);
      DoubleVector a3 = fromMemorySegment(SPECIES, xs, x3, ORDER).mul(w0);
      DoubleVector t0 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER);
      DoubleVector t1 = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER);
      DoubleVector t2 = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER);
      DoubleVector t3 = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER);
      a0 = t0.blend(zero, outside).fma(w1, a0);
      a1 = t1.blend(zero, outside).fma(w1, a1);
      a2 = t2.blend(zero, outside).fma(w1, a2);
      a3 = t3.blend(zero, outside).fma(w1, a3);
      if (LanesF64.COUNT == 2) {
        out[i] = a0.lane(0) + a0.lane(1);
        out[i + 1] = a1.lane(0) + a1.lane(1);
        out[i + 2] = a2.lane(0) + a2.lane(1);
        out[i + 3] = a3.lane(0) + a3.lane(1);
      } else {
        DoubleVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        s.intoArray(out, i);
      }
    }
  }

  private static void dots4(RowBlock x, int cols, MemorySegment ws, long wAt, double[] out) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    VectorMask<Double> outside = OUTSIDE.get((cols - 1) % LanesF64.COUNT);
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector w0 = fromMemorySegment(SPECIES, ws, wAt, ORDER);
    DoubleVector w1 = fromMemorySegment(SPECIES, ws, wAt + STRIDE, ORDER);
    DoubleVector w2 = fromMemorySegment(SPECIES, ws, wAt + 2L * STRIDE, ORDER);
    DoubleVector w3 =
        fromMemorySegment(SPECIES, x.weightTails, x.weightTailAt, ORDER).blend(zero, outside);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i];
      long x1 = at[i + 1];
      long x2 = at[i + 2];
      long x3 = at[i + 3];
      DoubleVector a0 = fromMemorySegment(SPECIES, xs, x0, ORDER).mul(w0);
      DoubleVector a1 = fromMemorySegment(SPECIES, xs, x1, ORDER).mul(w0);
      DoubleVector a2 = fromMemorySegment(SPECIES, xs, x2, ORDER).mul(w0);
      DoubleVector a3 = fromMemorySegment(SPECIES, xs, x3, ORDER).mul(w0);
      a0 = fromMemorySegment(SPECIES, xs, x0 + STRIDE, ORDER).fma(w1, a0);
      a1 = fromMemorySegment(SPECIES, xs, x1 + STRIDE, ORDER).fma(w1, a1);
      a2 = fromMemorySegment(SPECIES, xs, x2 + STRIDE, ORDER).fma(w1, a2);
      a3 = fromMemorySegment(SPECIES, xs, x3 + STRIDE, ORDER).fma(w1, a3);
      a0 = fromMemorySegment(SPECIES, xs, x0 + 2L * STRIDE, ORDER).fma(w2, a0);
      a1 = fromMemorySegment(SPECIES, xs, x1 + 2L * STRIDE, ORDER).fma(w2, a1);
      a2 = fromMemorySegment(SPECIES, xs, x2 + 2L * STRIDE, ORDER).fma(w2, a2);
      a3 = fromMemorySegment(SPECIES, xs, x3 + 2L * STRIDE, ORDER).fma(w2, a3);
      DoubleVector t0 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER);
      DoubleVector t1 = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER);
      DoubleVector t2 = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER);
      DoubleVector t3 = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER);
      a0 = t0.blend(zero, outside).fma(w3, a0);
      a1 = t1.blend(zero, outside).fma(w3, a1);
      a2 = t2.blend(zero, outside).fma(w3, a2);
      a3 = t3.blend(zero, outside).fma(w3, a3);
      if (LanesF64.COUNT == 2) {
        out[i] = a0.lane(0) + a0.lane(1);
        out[i + 1] = a1.lane(0) + a1.lane(1);
        out[i + 2] = a2.lane(0) + a2.lane(1);
        out[i + 3] = a3.lane(0) + a3.lane(1);
      } else {
        DoubleVector a = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector b = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s = a.blend(b, SECOND).add(b.blend(a, SECOND).rearrange(SWAP_2));
        s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
        s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
        s.intoArray(out, i);
      }
    }
  }

  private static void sums1(RowBlock x, double[] r, MemorySegment gs, long gAt) {
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    DoubleVector g0 = fromMemorySegment(SPECIES, gs, gAt, ORDER);
    DoubleVector g0b = DoubleVector.zero(SPECIES);
    DoubleVector g0c = DoubleVector.zero(SPECIES);
    DoubleVector g0d = DoubleVector.zero(SPECIES);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector r0 = broadcast(SPECIES, r[i]);
      g0 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER).fma(r0, g0);
      DoubleVector r1 = broadcast(SPECIES, r[i + 1]);
      g0b = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER).fma(r1, g0b);
      DoubleVector r2 = broadcast(SPECIES, r[i + 2]);
      g0c = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER).fma(r2, g0c);
      DoubleVector r3 = broadcast(SPECIES, r[i + 3]);
      g0d = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER).fma(r3, g0d);
    }
    g0.add(g0b).add(g0c.add(g0d)).intoMemorySegment(gs, gAt, ORDER);
  }

  private static void sums2(RowBlock x, double[] r, MemorySegment gs, long gAt) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    DoubleVector g0 = fromMemorySegment(SPECIES, gs, gAt, ORDER);
    DoubleVector g0b = DoubleVector.zero(SPECIES);
    DoubleVector g1 = fromMemorySegment(SPECIES, gs, gAt + STRIDE, ORDER);
    DoubleVector g1b = DoubleVector.zero(SPECIES);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector r0 = broadcast(SPECIES, r[i]);
      long x0 = at[i];
      g0 = fromMemorySegment(SPECIES, xs, x0, ORDER).fma(r0, g0);
      g1 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER).fma(r0, g1);
      DoubleVector r1 = broadcast(SPECIES, r[i + 1]);
      long x1 = at[i + 1];
      g0b = fromMemorySegment(SPECIES, xs, x1, ORDER).fma(r1, g0b);
      g1b = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER).fma(r1, g1b);
      DoubleVector r2 = broadcast(SPECIES, r[i + 2]);
      long x2 = at[i + 2];
      g0 = fromMemorySegment(SPECIES, xs, x2, ORDER).fma(r2, g0);
      g1 = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER).fma(r2, g1);
      DoubleVector r3 = broadcast(SPECIES, r[i + 3]);
      long x3 = at[i + 3];
      g0b = fromMemorySegment(SPECIES, xs, x3, ORDER).fma(r3, g0b);
      g1b = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER).fma(r3, g1b);
    }
    g0.add(g0b).intoMemorySegment(gs, gAt, ORDER);
    g1.add(g1b).intoMemorySegment(gs, gAt + STRIDE, ORDER);
  }

  private static void sums4(RowBlock x, double[] r, MemorySegment gs, long gAt) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    MemorySegment ts = x.tails;
    long[] tailAt = x.tailAt;
    long shift = x.tailShift;
    DoubleVector g0 = fromMemorySegment(SPECIES, gs, gAt, ORDER);
    DoubleVector g1 = fromMemorySegment(SPECIES, gs, gAt + STRIDE, ORDER);
    DoubleVector g2 = fromMemorySegment(SPECIES, gs, gAt + 2L * STRIDE, ORDER);
    DoubleVector g3 = fromMemorySegment(SPECIES, gs, gAt + 3L * STRIDE, ORDER);
    int rows = x.filled;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector r0 = broadcast(SPECIES, r[i]);
      long x0 = at[i];
      g0 = fromMemorySegment(SPECIES, xs, x0, ORDER).fma(r0, g0);
      g1 = fromMemorySegment(SPECIES, xs, x0 + STRIDE, ORDER).fma(r0, g1);
      g2 = fromMemorySegment(SPECIES, xs, x0 + 2L * STRIDE, ORDER).fma(r0, g2);
      g3 = fromMemorySegment(SPECIES, ts, tailAt[i] + shift, ORDER).fma(r0, g3);
      DoubleVector r1 = broadcast(SPECIES, r[i + 1]);
      long x1 = at[i + 1];
      g0 = fromMemorySegment(SPECIES, xs, x1, ORDER).fma(r1, g0);
      g1 = fromMemorySegment(SPECIES, xs, x1 + STRIDE, ORDER).fma(r1, g1);
      g2 = fromMemorySegment(SPECIES, xs, x1 + 2L * STRIDE, ORDER).fma(r1, g2);
      g3 = fromMemorySegment(SPECIES, ts, tailAt[i + 1] + shift, ORDER).fma(r1, g3);
      DoubleVector r2 = broadcast(SPECIES, r[i + 2]);
      long x2 = at[i + 2];
      g0 = fromMemorySegment(SPECIES, xs, x2, ORDER).fma(r2, g0);
      g1 = fromMemorySegment(SPECIES, xs, x2 + STRIDE, ORDER).fma(r2, g1);
      g2 = fromMemorySegment(SPECIES, xs, x2 + 2L * STRIDE, ORDER).fma(r2, g2);
      g3 = fromMemorySegment(SPECIES, ts, tailAt[i + 2] + shift, ORDER).fma(r2, g3);
      DoubleVector r3 = broadcast(SPECIES, r[i + 3]);
      long x3 = at[i + 3];
      g0 = fromMemorySegment(SPECIES, xs, x3, ORDER).fma(r3, g0);
      g1 = fromMemorySegment(SPECIES, xs, x3 + STRIDE, ORDER).fma(r3, g1);
      g2 = fromMemorySegment(SPECIES, xs, x3 + 2L * STRIDE, ORDER).fma(r3, g2);
      g3 = fromMemorySegment(SPECIES, ts, tailAt[i + 3] + shift, ORDER).fma(r3, g3);
    }
    g0.intoMemorySegment(gs, gAt, ORDER);
    g1.intoMemorySegment(gs, gAt + STRIDE, ORDER);
    g2.intoMemorySegment(gs, gAt + 2L * STRIDE, ORDER);
    g3.intoMemorySegment(gs, gAt + 3L * STRIDE, ORDER);
  }
}
