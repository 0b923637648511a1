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
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/**
 * The inner loops of {@link RowKernelsF64} for four outputs at a time: each vector of X that is
 * loaded meets the weights, or the residuals, of four outputs. Dot products keep four rows by four
 * outputs in registers, sums two vectors by four outputs. Columns that do not fill the vectors are
 * left to {@link RowKernelsF64}.
 */
final class OutputRowsF64 {
  /** Outputs of one call. */
  static final int OUTPUTS = 4;

  private static final int STRIDE = LanesF64.COUNT * LanesF64.BYTES;

  private OutputRowsF64() {}

  /**
   * Adds {@code x_i . w_j} over whole vectors to {@code out[j * pitch + i]}, for the rows in the
   * order of their groups and four outputs.
   *
   * @param w0 byte offsets of the weights of the four outputs
   */
  static void dots(
      RowBlock x,
      int bytes,
      MemorySegment ws,
      long w0,
      long w1,
      long w2,
      long w3,
      double[] out,
      int pitch) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int rows = x.filled;
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int stride = RowKernelsF64.opaqueStride;
    for (int i = 0; i < rows; i += 4) {
      long x0 = at[i];
      long x1 = at[i + 1];
      long x2 = at[i + 2];
      long x3 = at[i + 3];
      DoubleVector a0 = zero;
      DoubleVector a1 = zero;
      DoubleVector a2 = zero;
      DoubleVector a3 = zero;
      DoubleVector b0 = zero;
      DoubleVector b1 = zero;
      DoubleVector b2 = zero;
      DoubleVector b3 = zero;
      DoubleVector c0 = zero;
      DoubleVector c1 = zero;
      DoubleVector c2 = zero;
      DoubleVector c3 = zero;
      DoubleVector d0 = zero;
      DoubleVector d1 = zero;
      DoubleVector d2 = zero;
      DoubleVector d3 = zero;
      for (int o = 0; o < bytes; o += stride) {
        DoubleVector u0 = fromMemorySegment(SPECIES, xs, x0 + o, ORDER);
        DoubleVector u1 = fromMemorySegment(SPECIES, xs, x1 + o, ORDER);
        DoubleVector u2 = fromMemorySegment(SPECIES, xs, x2 + o, ORDER);
        DoubleVector u3 = fromMemorySegment(SPECIES, xs, x3 + o, ORDER);
        DoubleVector v0 = fromMemorySegment(SPECIES, ws, w0 + o, ORDER);
        a0 = u0.fma(v0, a0);
        a1 = u1.fma(v0, a1);
        a2 = u2.fma(v0, a2);
        a3 = u3.fma(v0, a3);
        DoubleVector v1 = fromMemorySegment(SPECIES, ws, w1 + o, ORDER);
        b0 = u0.fma(v1, b0);
        b1 = u1.fma(v1, b1);
        b2 = u2.fma(v1, b2);
        b3 = u3.fma(v1, b3);
        DoubleVector v2 = fromMemorySegment(SPECIES, ws, w2 + o, ORDER);
        c0 = u0.fma(v2, c0);
        c1 = u1.fma(v2, c1);
        c2 = u2.fma(v2, c2);
        c3 = u3.fma(v2, c3);
        DoubleVector v3 = fromMemorySegment(SPECIES, ws, w3 + o, ORDER);
        d0 = u0.fma(v3, d0);
        d1 = u1.fma(v3, d1);
        d2 = u2.fma(v3, d2);
        d3 = u3.fma(v3, d3);
      }
      if (LanesF64.COUNT == 2) {
        out[i] += a0.lane(0) + a0.lane(1);
        out[i + 1] += a1.lane(0) + a1.lane(1);
        out[i + 2] += a2.lane(0) + a2.lane(1);
        out[i + 3] += a3.lane(0) + a3.lane(1);
        out[i + pitch] += b0.lane(0) + b0.lane(1);
        out[i + pitch + 1] += b1.lane(0) + b1.lane(1);
        out[i + pitch + 2] += b2.lane(0) + b2.lane(1);
        out[i + pitch + 3] += b3.lane(0) + b3.lane(1);
        out[i + 2 * pitch] += c0.lane(0) + c0.lane(1);
        out[i + 2 * pitch + 1] += c1.lane(0) + c1.lane(1);
        out[i + 2 * pitch + 2] += c2.lane(0) + c2.lane(1);
        out[i + 2 * pitch + 3] += c3.lane(0) + c3.lane(1);
        out[i + 3 * pitch] += d0.lane(0) + d0.lane(1);
        out[i + 3 * pitch + 1] += d1.lane(0) + d1.lane(1);
        out[i + 3 * pitch + 2] += d2.lane(0) + d2.lane(1);
        out[i + 3 * pitch + 3] += d3.lane(0) + d3.lane(1);
      } else {
        DoubleVector p0 = a0.blend(a1, ODD).add(a1.blend(a0, ODD).rearrange(SWAP_1));
        DoubleVector q0 = a2.blend(a3, ODD).add(a3.blend(a2, ODD).rearrange(SWAP_1));
        DoubleVector s0 = p0.blend(q0, SECOND).add(q0.blend(p0, SECOND).rearrange(SWAP_2));
        s0 = LanesF64.COUNT > 4 ? s0.add(s0.rearrange(SWAP_4)) : s0;
        s0 = LanesF64.COUNT > 8 ? s0.add(s0.rearrange(SWAP_8)) : s0;
        DoubleVector old0 = DoubleVector.fromArray(SPECIES, out, i);
        old0.blend(old0.add(s0), FIRST_FOUR).intoArray(out, i);
        DoubleVector p1 = b0.blend(b1, ODD).add(b1.blend(b0, ODD).rearrange(SWAP_1));
        DoubleVector q1 = b2.blend(b3, ODD).add(b3.blend(b2, ODD).rearrange(SWAP_1));
        DoubleVector s1 = p1.blend(q1, SECOND).add(q1.blend(p1, SECOND).rearrange(SWAP_2));
        s1 = LanesF64.COUNT > 4 ? s1.add(s1.rearrange(SWAP_4)) : s1;
        s1 = LanesF64.COUNT > 8 ? s1.add(s1.rearrange(SWAP_8)) : s1;
        DoubleVector old1 = DoubleVector.fromArray(SPECIES, out, i + pitch);
        old1.blend(old1.add(s1), FIRST_FOUR).intoArray(out, i + pitch);
        DoubleVector p2 = c0.blend(c1, ODD).add(c1.blend(c0, ODD).rearrange(SWAP_1));
        DoubleVector q2 = c2.blend(c3, ODD).add(c3.blend(c2, ODD).rearrange(SWAP_1));
        DoubleVector s2 = p2.blend(q2, SECOND).add(q2.blend(p2, SECOND).rearrange(SWAP_2));
        s2 = LanesF64.COUNT > 4 ? s2.add(s2.rearrange(SWAP_4)) : s2;
        s2 = LanesF64.COUNT > 8 ? s2.add(s2.rearrange(SWAP_8)) : s2;
        DoubleVector old2 = DoubleVector.fromArray(SPECIES, out, i + 2 * pitch);
        old2.blend(old2.add(s2), FIRST_FOUR).intoArray(out, i + 2 * pitch);
        DoubleVector p3 = d0.blend(d1, ODD).add(d1.blend(d0, ODD).rearrange(SWAP_1));
        DoubleVector q3 = d2.blend(d3, ODD).add(d3.blend(d2, ODD).rearrange(SWAP_1));
        DoubleVector s3 = p3.blend(q3, SECOND).add(q3.blend(p3, SECOND).rearrange(SWAP_2));
        s3 = LanesF64.COUNT > 4 ? s3.add(s3.rearrange(SWAP_4)) : s3;
        s3 = LanesF64.COUNT > 8 ? s3.add(s3.rearrange(SWAP_8)) : s3;
        DoubleVector old3 = DoubleVector.fromArray(SPECIES, out, i + 3 * pitch);
        old3.blend(old3.add(s3), FIRST_FOUR).intoArray(out, i + 3 * pitch);
      }
    }
  }

  /**
   * Adds {@code sum_i r_ij x_i} over whole pairs of vectors to the sums of four outputs.
   *
   * @param bytes of a row, a multiple of two vectors
   * @param r residuals in the order of the groups, output {@code j} from {@code j * pitch}
   * @param g0 byte offsets of the sums of the four outputs
   */
  static void accumulate(
      RowBlock x,
      int bytes,
      double[] r,
      int pitch,
      MemorySegment gs,
      long g0,
      long g1,
      long g2,
      long g3) {
    MemorySegment xs = x.rows;
    long[] at = x.at;
    int rows = x.filled;
    for (int o = 0; o < bytes; o += 2 * STRIDE) {
      DoubleVector a0 = fromMemorySegment(SPECIES, gs, g0 + o, ORDER);
      DoubleVector a1 = fromMemorySegment(SPECIES, gs, g0 + o + STRIDE, ORDER);
      DoubleVector b0 = fromMemorySegment(SPECIES, gs, g1 + o, ORDER);
      DoubleVector b1 = fromMemorySegment(SPECIES, gs, g1 + o + STRIDE, ORDER);
      DoubleVector c0 = fromMemorySegment(SPECIES, gs, g2 + o, ORDER);
      DoubleVector c1 = fromMemorySegment(SPECIES, gs, g2 + o + STRIDE, ORDER);
      DoubleVector d0 = fromMemorySegment(SPECIES, gs, g3 + o, ORDER);
      DoubleVector d1 = fromMemorySegment(SPECIES, gs, g3 + o + STRIDE, ORDER);
      for (int i = 0; i < rows; i++) {
        DoubleVector u = fromMemorySegment(SPECIES, xs, at[i] + o, ORDER);
        DoubleVector v = fromMemorySegment(SPECIES, xs, at[i] + o + STRIDE, ORDER);
        DoubleVector r0 = broadcast(SPECIES, r[i]);
        a0 = u.fma(r0, a0);
        a1 = v.fma(r0, a1);
        DoubleVector r1 = broadcast(SPECIES, r[i + pitch]);
        b0 = u.fma(r1, b0);
        b1 = v.fma(r1, b1);
        DoubleVector r2 = broadcast(SPECIES, r[i + 2 * pitch]);
        c0 = u.fma(r2, c0);
        c1 = v.fma(r2, c1);
        DoubleVector r3 = broadcast(SPECIES, r[i + 3 * pitch]);
        d0 = u.fma(r3, d0);
        d1 = v.fma(r3, d1);
      }
      a0.intoMemorySegment(gs, g0 + o, ORDER);
      a1.intoMemorySegment(gs, g0 + o + STRIDE, ORDER);
      b0.intoMemorySegment(gs, g1 + o, ORDER);
      b1.intoMemorySegment(gs, g1 + o + STRIDE, ORDER);
      c0.intoMemorySegment(gs, g2 + o, ORDER);
      c1.intoMemorySegment(gs, g2 + o + STRIDE, ORDER);
      d0.intoMemorySegment(gs, g3 + o, ORDER);
      d1.intoMemorySegment(gs, g3 + o + STRIDE, ORDER);
    }
  }
}
