package dev.panagrad.backend.simd;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;

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
 * once, so that v is loaded once for them. A block of 64 rows and 80 columns fits the level-1
 * cache.
 *
 * <p>Source: Golub and Van Loan, Matrix Computations (2013), sections 5.1 and 6.5.3.
 */
final class Householder {
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
      pool.run((pair, _) -> new Pair(r, blocks, pair).reflect(), pairs, true);
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
    private final long end; // bytes of a column
    private final long bound; // of them in whole vectors

    Pair(Tensor r, Tensor blocks, long pair) {
      rs = r.segment();
      as = blocks.segment();
      m = (int) r.cols();
      rStride = r.rowStride() * Double.BYTES;
      aStride = blocks.rowStride() * Double.BYTES;
      this.r = r.byteOffset() + pair * m * rStride;
      a = blocks.byteOffset() + pair * m * aStride;
      end = blocks.cols() * Double.BYTES;
      bound = LanesF64.SPECIES.loopBound(blocks.cols()) * Double.BYTES;
    }

    void reflect() {
      for (int j = 0; j < m; j++) {
        long row = r + j * rStride;
        long diagonal = row + (long) j * Double.BYTES;
        long column = a + j * aStride;
        double squares = dot(column, column);
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
      double s = factor * (rs.get(ValueLayout.JAVA_DOUBLE, top) + dot(v, column));
      rs.set(ValueLayout.JAVA_DOUBLE, top, rs.get(ValueLayout.JAVA_DOUBLE, top) - s);
      for (long i = 0; i < bound; i += LanesF64.COUNT * Double.BYTES) {
        store(column + i, load(v + i).fma(DoubleVector.broadcast(LanesF64.SPECIES, -s), load(column + i)));
      }
      for (long i = bound; i < end; i += Double.BYTES) {
        subtract(column + i, s * get(v + i));
      }
    }

    /** The same for four adjacent columns. */
    private void four(long v, long top, long c0, double factor) {
      long c1 = c0 + aStride;
      long c2 = c1 + aStride;
      long c3 = c2 + aStride;
      DoubleVector sum0 = DoubleVector.zero(LanesF64.SPECIES);
      DoubleVector sum1 = sum0;
      DoubleVector sum2 = sum0;
      DoubleVector sum3 = sum0;
      for (long i = 0; i < bound; i += LanesF64.COUNT * Double.BYTES) {
        DoubleVector vs = load(v + i);
        sum0 = vs.fma(load(c0 + i), sum0);
        sum1 = vs.fma(load(c1 + i), sum1);
        sum2 = vs.fma(load(c2 + i), sum2);
        sum3 = vs.fma(load(c3 + i), sum3);
      }
      // vector tail
      double tail0 = 0;
      double tail1 = 0;
      double tail2 = 0;
      double tail3 = 0;
      for (long i = bound; i < end; i += Double.BYTES) {
        tail0 += get(v + i) * get(c0 + i);
        tail1 += get(v + i) * get(c1 + i);
        tail2 += get(v + i) * get(c2 + i);
        tail3 += get(v + i) * get(c3 + i);
      }
      double s0 = top(top, factor, sum0.reduceLanes(VectorOperators.ADD) + tail0);
      double s1 = top(top + 8, factor, sum1.reduceLanes(VectorOperators.ADD) + tail1);
      double s2 = top(top + 16, factor, sum2.reduceLanes(VectorOperators.ADD) + tail2);
      double s3 = top(top + 24, factor, sum3.reduceLanes(VectorOperators.ADD) + tail3);
      DoubleVector m0 = DoubleVector.broadcast(LanesF64.SPECIES, -s0);
      DoubleVector m1 = DoubleVector.broadcast(LanesF64.SPECIES, -s1);
      DoubleVector m2 = DoubleVector.broadcast(LanesF64.SPECIES, -s2);
      DoubleVector m3 = DoubleVector.broadcast(LanesF64.SPECIES, -s3);
      for (long i = 0; i < bound; i += LanesF64.COUNT * Double.BYTES) {
        DoubleVector vs = load(v + i);
        store(c0 + i, vs.fma(m0, load(c0 + i)));
        store(c1 + i, vs.fma(m1, load(c1 + i)));
        store(c2 + i, vs.fma(m2, load(c2 + i)));
        store(c3 + i, vs.fma(m3, load(c3 + i)));
      }
      for (long i = bound; i < end; i += Double.BYTES) {
        subtract(c0 + i, s0 * get(v + i));
        subtract(c1 + i, s1 * get(v + i));
        subtract(c2 + i, s2 * get(v + i));
        subtract(c3 + i, s3 * get(v + i));
      }
    }

    /** Takes a reflection from an element of R; returns how much of v its column loses. */
    private double top(long at, double factor, double product) {
      double element = rs.get(ValueLayout.JAVA_DOUBLE, at);
      double s = factor * (element + product);
      rs.set(ValueLayout.JAVA_DOUBLE, at, element - s);
      return s;
    }

    private double dot(long x, long y) {
      DoubleVector sum = DoubleVector.zero(LanesF64.SPECIES);
      for (long i = 0; i < bound; i += LanesF64.COUNT * Double.BYTES) {
        sum = load(x + i).fma(load(y + i), sum);
      }
      double total = sum.reduceLanes(VectorOperators.ADD);
      for (long i = bound; i < end; i += Double.BYTES) {
        total += get(x + i) * get(y + i);
      }
      return total;
    }

    private void scale(long x, double factor) {
      for (long i = 0; i < bound; i += LanesF64.COUNT * Double.BYTES) {
        store(x + i, load(x + i).mul(factor));
      }
      for (long i = bound; i < end; i += Double.BYTES) {
        as.set(ValueLayout.JAVA_DOUBLE, x + i, get(x + i) * factor);
      }
    }

    private DoubleVector load(long at) {
      return DoubleVector.fromMemorySegment(LanesF64.SPECIES, as, at, LanesF64.ORDER);
    }

    private void store(long at, DoubleVector value) {
      value.intoMemorySegment(as, at, LanesF64.ORDER);
    }

    private double get(long at) {
      return as.get(ValueLayout.JAVA_DOUBLE, at);
    }

    private void subtract(long at, double value) {
      as.set(ValueLayout.JAVA_DOUBLE, at, get(at) - value);
    }
  }
}
