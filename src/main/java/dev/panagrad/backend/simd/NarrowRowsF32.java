package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;
import static dev.panagrad.backend.simd.LanesF32.sum;
import static dev.panagrad.backend.simd.LanesF32.zero;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** {@link RowKernelsF32} for rows of at most one vector. */
final class NarrowRowsF32 {
  private NarrowRowsF32() {}

  static void dots(RowBlock x, int rows, VectorMask<Float> outside, float[] out) {
    MemorySegment xs = x.tails;
    MemorySegment ws = x.weightTails;
    long wAt = x.weightTailAt;
    long[] at = x.tailAt;
    for (int i = 0; i < rows; i += 4) {
      FloatVector w = load(ws, wAt).blend(zero(), outside);
      FloatVector x0 = load(xs, at[i]).blend(zero(), outside);
      FloatVector x1 = load(xs, at[i + 1]).blend(zero(), outside);
      FloatVector x2 = load(xs, at[i + 2]).blend(zero(), outside);
      FloatVector x3 = load(xs, at[i + 3]).blend(zero(), outside);
      out[i] = sum(x0.mul(w));
      out[i + 1] = sum(x1.mul(w));
      out[i + 2] = sum(x2.mul(w));
      out[i + 3] = sum(x3.mul(w));
    }
  }

  static void accumulate(
      RowBlock x, int rows, VectorMask<Float> outside, float[] r, MemorySegment gs, long gAt) {
    MemorySegment xs = x.tails;
    long[] at = x.tailAt;
    for (int i = 0; i < rows; i += 4) {
      FloatVector g = load(gs, gAt);
      g = fma(load(xs, at[i]).blend(zero(), outside), splat(r[i]), g);
      g = fma(load(xs, at[i + 1]).blend(zero(), outside), splat(r[i + 1]), g);
      g = fma(load(xs, at[i + 2]).blend(zero(), outside), splat(r[i + 2]), g);
      g = fma(load(xs, at[i + 3]).blend(zero(), outside), splat(r[i + 3]), g);
      store(g, gs, gAt);
    }
  }
}
