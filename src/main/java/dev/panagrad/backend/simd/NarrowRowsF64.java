package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;
import static dev.panagrad.backend.simd.LanesF64.sum;
import static dev.panagrad.backend.simd.LanesF64.zero;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;

/** {@link RowKernelsF64} for rows of at most one vector. */
final class NarrowRowsF64 {
  private NarrowRowsF64() {}

  static void dots(RowBlock x, int rows, VectorMask<Double> outside, double[] out) {
    MemorySegment xs = x.tails;
    MemorySegment ws = x.weightTails;
    long wAt = x.weightTailAt;
    long[] at = x.tailAt;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector w = load(ws, wAt).blend(zero(), outside);
      DoubleVector x0 = load(xs, at[i]).blend(zero(), outside);
      DoubleVector x1 = load(xs, at[i + 1]).blend(zero(), outside);
      DoubleVector x2 = load(xs, at[i + 2]).blend(zero(), outside);
      DoubleVector x3 = load(xs, at[i + 3]).blend(zero(), outside);
      out[i] = sum(x0.mul(w));
      out[i + 1] = sum(x1.mul(w));
      out[i + 2] = sum(x2.mul(w));
      out[i + 3] = sum(x3.mul(w));
    }
  }

  static void accumulate(
      RowBlock x, int rows, VectorMask<Double> outside, double[] r, MemorySegment gs, long gAt) {
    MemorySegment xs = x.tails;
    long[] at = x.tailAt;
    for (int i = 0; i < rows; i += 4) {
      DoubleVector g = load(gs, gAt);
      g = fma(load(xs, at[i]).blend(zero(), outside), splat(r[i]), g);
      g = fma(load(xs, at[i + 1]).blend(zero(), outside), splat(r[i + 1]), g);
      g = fma(load(xs, at[i + 2]).blend(zero(), outside), splat(r[i + 2]), g);
      g = fma(load(xs, at[i + 3]).blend(zero(), outside), splat(r[i + 3]), g);
      store(g, gs, gAt);
    }
  }
}
