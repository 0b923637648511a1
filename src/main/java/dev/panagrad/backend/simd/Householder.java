package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;

/**
 * QR by Householder reflections of a triangle on top of a block of rows, in F64:
 *
 * <pre>
 *   for each column j:   b = -sign(R_jj) |[R_jj; A_j]|      v = [R_jj - b; A_j] / (R_jj - b)
 *   for each c > j:      s = (b - R_jj) / b (R_jc + v.A_c)  R_jc -= s,  A_c -= s v
 * </pre>
 *
 * The upper part of v is 1 in row j alone, so that R stays a triangle and a block of m columns
 * costs {@code 2 rows m^2} operations. Columns of A are adjacent in memory; four are updated at
 * once, so that v is loaded once for them. Blocks of 128 rows are faster than those of 64, whose
 * loops are too short (AVX-512).
 *
 * <p>Source: Golub and Van Loan, Matrix Computations (2013), sections 5.1 and 6.5.3.
 */
final class Householder {
  private static final long STRIDE = (long) LanesF64.COUNT * Double.BYTES;

  private Householder() {}

  /** One pair for each thread's turn; null for a pool computes them here. */
  static void triangularize(WorkerPool pool, Tensor r, Tensor blocks) {
    int m = (int) r.cols();
    int pairs = (int) (r.rows() / Math.max(m, 1));
    if (pool == null) {
      for (int pair = 0; pair < pairs; pair++) {
        new Pair(r, blocks, pair).reflect();
      }
    } else {
      boolean shareable = r.isShareable() && blocks.isShareable();
      pool.run((pair, _) -> new Pair(r, blocks, pair).reflect(), pairs, shareable);
    }
  }

  private static final class Pair {
    private final MemorySegment rs;
    private final MemorySegment as;
    private final int m;
    private final long r; // bytes to R
    private final long rStride;
    private final long a; // bytes to the first column of A
    private final long aStride;
    private final long rows;
    private final long end; // bytes of a column
    private final long bound; // of them in whole vectors
    private final double[] sums = new double[4];
    private final double[] lanes = new double[4 * LanesF64.COUNT];

    Pair(Tensor r, Tensor blocks, long pair) {
      rs = r.segment();
      as = blocks.segment();
      m = (int) r.cols();
      rStride = r.rowStride() * Double.BYTES;
      aStride = blocks.rowStride() * Double.BYTES;
      this.r = r.byteOffset() + pair * m * rStride;
      a = blocks.byteOffset() + pair * m * aStride;
      rows = blocks.cols();
      end = rows * Double.BYTES;
      bound = SPECIES.loopBound(rows) * Double.BYTES;
    }

    void reflect() {
      for (int j = 0; j < m; j++) {
        long row = r + j * rStride;
        long diagonal = row + (long) j * Double.BYTES;
        long column = a + j * aStride;
        double squares = VectorKernelsF64.dot(as, column, as, column, rows);
        if (squares == 0) {
          continue;
        }
        double top = rs.get(ValueLayout.JAVA_DOUBLE, diagonal);
        double b = -Math.copySign(Math.sqrt(top * top + squares), top);
        rs.set(ValueLayout.JAVA_DOUBLE, diagonal, b);
        scale(column, 1 / (top - b));
        double factor = (b - top) / b;
        int c = j + 1;
        for (; c + 4 <= m; c += 4) {
          four(column, row + (long) c * Double.BYTES, a + c * aStride, factor);
        }
        for (; c < m; c++) {
          one(column, row + (long) c * Double.BYTES, a + c * aStride, factor);
        }
      }
    }

    private void one(long v, long top, long column, double factor) {
      double s = loss(top, factor, VectorKernelsF64.dot(as, v, as, column, rows));
      subtract(as, v, column, s, bound);
      subtractTail(v, column, s);
    }

    /** Reflects four adjacent columns at once. */
    private void four(long v, long top, long c0, double factor) {
      dots(as, v, c0, aStride, bound, lanes);
      for (int q = 0; q < 4; q++) {
        double product = total(lanes, q) + tail(v, c0 + q * aStride);
        sums[q] = loss(top + (long) q * Double.BYTES, factor, product);
      }
      subtract(as, v, c0, aStride, bound, sums);
      for (int q = 0; q < 4; q++) {
        subtractTail(v, c0 + q * aStride, sums[q]);
      }
    }

    /** Takes a reflection from an element of R; returns how much of v its column loses. */
    private double loss(long top, double factor, double product) {
      double element = rs.get(ValueLayout.JAVA_DOUBLE, top);
      double s = factor * (element + product);
      rs.set(ValueLayout.JAVA_DOUBLE, top, element - s);
      return s;
    }

    private double tail(long x, long y) {
      double sum = 0;
      for (long i = bound; i < end; i += Double.BYTES) {
        sum += as.get(ValueLayout.JAVA_DOUBLE, x + i) * as.get(ValueLayout.JAVA_DOUBLE, y + i);
      }
      return sum;
    }

    private void subtractTail(long v, long column, double s) {
      for (long i = bound; i < end; i += Double.BYTES) {
        double product = s * as.get(ValueLayout.JAVA_DOUBLE, v + i);
        double element = as.get(ValueLayout.JAVA_DOUBLE, column + i);
        as.set(ValueLayout.JAVA_DOUBLE, column + i, element - product);
      }
    }

    private void scale(long column, double factor) {
      for (long i = 0; i < end; i += Double.BYTES) {
        double element = as.get(ValueLayout.JAVA_DOUBLE, column + i);
        as.set(ValueLayout.JAVA_DOUBLE, column + i, element * factor);
      }
    }
  }

  // The compiler stops inlining where one method has all of these: each loop is one.

  private static void dots(
      MemorySegment s, long v, long c0, long stride, long whole, double[] lanes) {
    DoubleVector sum0 = DoubleVector.zero(SPECIES);
    DoubleVector sum1 = DoubleVector.zero(SPECIES);
    DoubleVector sum2 = DoubleVector.zero(SPECIES);
    DoubleVector sum3 = DoubleVector.zero(SPECIES);
    for (long i = 0; i < whole; i += STRIDE) {
      DoubleVector vs = fromMemorySegment(SPECIES, s, v + i, ORDER);
      long at = c0 + i;
      sum0 = vs.fma(fromMemorySegment(SPECIES, s, at, ORDER), sum0);
      sum1 = vs.fma(fromMemorySegment(SPECIES, s, at + stride, ORDER), sum1);
      sum2 = vs.fma(fromMemorySegment(SPECIES, s, at + 2 * stride, ORDER), sum2);
      sum3 = vs.fma(fromMemorySegment(SPECIES, s, at + 3 * stride, ORDER), sum3);
    }
    sum0.intoArray(lanes, 0);
    sum1.intoArray(lanes, LanesF64.COUNT);
    sum2.intoArray(lanes, 2 * LanesF64.COUNT);
    sum3.intoArray(lanes, 3 * LanesF64.COUNT);
  }

  /** The sum of one of the vectors that were kept, in the same order whoever compiles. */
  private static double total(double[] lanes, int vector) {
    double sum = 0;
    for (int i = vector * LanesF64.COUNT; i < (vector + 1) * LanesF64.COUNT; i++) {
      sum += lanes[i];
    }
    return sum;
  }

  private static void subtract(MemorySegment s, long v, long column, double factor, long whole) {
    DoubleVector minus = DoubleVector.broadcast(SPECIES, -factor);
    for (long i = 0; i < whole; i += STRIDE) {
      fromMemorySegment(SPECIES, s, v + i, ORDER)
          .fma(minus, fromMemorySegment(SPECIES, s, column + i, ORDER))
          .intoMemorySegment(s, column + i, ORDER);
    }
  }

  private static void subtract(
      MemorySegment s, long v, long c0, long stride, long whole, double[] factors) {
    DoubleVector m0 = DoubleVector.broadcast(SPECIES, -factors[0]);
    DoubleVector m1 = DoubleVector.broadcast(SPECIES, -factors[1]);
    DoubleVector m2 = DoubleVector.broadcast(SPECIES, -factors[2]);
    DoubleVector m3 = DoubleVector.broadcast(SPECIES, -factors[3]);
    for (long i = 0; i < whole; i += STRIDE) {
      DoubleVector vs = fromMemorySegment(SPECIES, s, v + i, ORDER);
      long c1 = c0 + stride + i;
      long c2 = c1 + stride;
      long c3 = c2 + stride;
      DoubleVector a0 = vs.fma(m0, fromMemorySegment(SPECIES, s, c0 + i, ORDER));
      DoubleVector a1 = vs.fma(m1, fromMemorySegment(SPECIES, s, c1, ORDER));
      DoubleVector a2 = vs.fma(m2, fromMemorySegment(SPECIES, s, c2, ORDER));
      DoubleVector a3 = vs.fma(m3, fromMemorySegment(SPECIES, s, c3, ORDER));
      a0.intoMemorySegment(s, c0 + i, ORDER);
      a1.intoMemorySegment(s, c1, ORDER);
      a2.intoMemorySegment(s, c2, ORDER);
      a3.intoMemorySegment(s, c3, ORDER);
    }
  }
}
