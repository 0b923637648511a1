package dev.panagrad.regression;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The product of coefficients with a row of features, added to a start value, for rows on the heap
 * and in native memory.
 *
 * <pre>
 *   s_l  = sum of w_f x_f over f = l, l + 8, l + 16, ... below m     8 lanes, m = d - d mod 8
 *   t    = start + w_m x_m + ... + w_(d-1) x_(d-1)                   from left to right
 *   y    = ((s_0 + s_4) + (s_2 + s_6)) + ((s_1 + s_5) + (s_3 + s_7)) + t
 * </pre>
 *
 * All in double precision, F32 elements widened first, so that the three forms give the same bits.
 *
 * <p>The compiler may not change the order of a sum of doubles, so a single one advances by one
 * addition's latency per feature, 2 to 3 cycles; lanes do not wait for each other. Eight are one
 * register of the widest vectors.
 */
final class RowProduct {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;

  private RowProduct() {}

  /** Of a row on the heap, of the same length as {@code w}. */
  static double of(double start, double[] w, double[] x) {
    int lanesEnd = w.length & -8;
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    for (int f = 0; f < lanesEnd; f += 8) {
      s0 += w[f] * x[f];
      s1 += w[f + 1] * x[f + 1];
      s2 += w[f + 2] * x[f + 2];
      s3 += w[f + 3] * x[f + 3];
      s4 += w[f + 4] * x[f + 4];
      s5 += w[f + 5] * x[f + 5];
      s6 += w[f + 6] * x[f + 6];
      s7 += w[f + 7] * x[f + 7];
    }
    double t = start;
    for (int f = lanesEnd; f < w.length; f++) {
      t += w[f] * x[f];
    }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + t;
  }

  /** Of F64 elements in native memory, the first at {@code at}. */
  static double ofF64(double start, double[] w, MemorySegment x, long at) {
    int lanesEnd = w.length & -8;
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    for (int f = 0; f < lanesEnd; f += 8) {
      long p = at + (long) f * Double.BYTES;
      s0 += w[f] * x.get(DOUBLE, p);
      s1 += w[f + 1] * x.get(DOUBLE, p + Double.BYTES);
      s2 += w[f + 2] * x.get(DOUBLE, p + 2 * Double.BYTES);
      s3 += w[f + 3] * x.get(DOUBLE, p + 3 * Double.BYTES);
      s4 += w[f + 4] * x.get(DOUBLE, p + 4 * Double.BYTES);
      s5 += w[f + 5] * x.get(DOUBLE, p + 5 * Double.BYTES);
      s6 += w[f + 6] * x.get(DOUBLE, p + 6 * Double.BYTES);
      s7 += w[f + 7] * x.get(DOUBLE, p + 7 * Double.BYTES);
    }
    double t = start;
    for (int f = lanesEnd; f < w.length; f++) {
      t += w[f] * x.get(DOUBLE, at + (long) f * Double.BYTES);
    }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + t;
  }

  /** Of F32 elements in native memory, the first at {@code at}. */
  static double ofF32(double start, double[] w, MemorySegment x, long at) {
    int lanesEnd = w.length & -8;
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    for (int f = 0; f < lanesEnd; f += 8) {
      long p = at + (long) f * Float.BYTES;
      s0 += w[f] * x.get(FLOAT, p);
      s1 += w[f + 1] * x.get(FLOAT, p + Float.BYTES);
      s2 += w[f + 2] * x.get(FLOAT, p + 2 * Float.BYTES);
      s3 += w[f + 3] * x.get(FLOAT, p + 3 * Float.BYTES);
      s4 += w[f + 4] * x.get(FLOAT, p + 4 * Float.BYTES);
      s5 += w[f + 5] * x.get(FLOAT, p + 5 * Float.BYTES);
      s6 += w[f + 6] * x.get(FLOAT, p + 6 * Float.BYTES);
      s7 += w[f + 7] * x.get(FLOAT, p + 7 * Float.BYTES);
    }
    double t = start;
    for (int f = lanesEnd; f < w.length; f++) {
      t += w[f] * x.get(FLOAT, at + (long) f * Float.BYTES);
    }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + t;
  }
}
