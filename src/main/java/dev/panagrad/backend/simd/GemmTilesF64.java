package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static jdk.incubator.vector.DoubleVector.broadcast;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;

/**
 * The inner loops of {@link GemmF64}: one tile of C in registers, from a packed panel of B. Spelled
 * out, because no method takes or returns a vector.
 */
final class GemmTilesF64 {
  private GemmTilesF64() {}

  /**
   * Eight columns of a packed panel of A, which is transposed, with two vectors of one of B.
   *
   * @param tile receives the products, row after row
   */
  static void multiply8(
      double[] pa, int aFirst, double[] pb, int bFirst, int depth, double[] tile) {
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector c00 = zero;
    DoubleVector c01 = zero;
    DoubleVector c10 = zero;
    DoubleVector c11 = zero;
    DoubleVector c20 = zero;
    DoubleVector c21 = zero;
    DoubleVector c30 = zero;
    DoubleVector c31 = zero;
    DoubleVector c40 = zero;
    DoubleVector c41 = zero;
    DoubleVector c50 = zero;
    DoubleVector c51 = zero;
    DoubleVector c60 = zero;
    DoubleVector c61 = zero;
    DoubleVector c70 = zero;
    DoubleVector c71 = zero;
    int aAt = aFirst;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, pb, bAt);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, pb, bAt + LanesF64.COUNT);
      DoubleVector a0 = broadcast(SPECIES, pa[aAt]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      DoubleVector a1 = broadcast(SPECIES, pa[aAt + 1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      DoubleVector a2 = broadcast(SPECIES, pa[aAt + 2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      DoubleVector a3 = broadcast(SPECIES, pa[aAt + 3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      DoubleVector a4 = broadcast(SPECIES, pa[aAt + 4]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      DoubleVector a5 = broadcast(SPECIES, pa[aAt + 5]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      DoubleVector a6 = broadcast(SPECIES, pa[aAt + 6]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      DoubleVector a7 = broadcast(SPECIES, pa[aAt + 7]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      aAt += 8;
      bAt += GemmF64.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF64.COUNT);
    c10.intoArray(tile, GemmF64.TILE_COLS);
    c11.intoArray(tile, GemmF64.TILE_COLS + LanesF64.COUNT);
    c20.intoArray(tile, 2 * GemmF64.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c30.intoArray(tile, 3 * GemmF64.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c40.intoArray(tile, 4 * GemmF64.TILE_COLS);
    c41.intoArray(tile, 4 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c50.intoArray(tile, 5 * GemmF64.TILE_COLS);
    c51.intoArray(tile, 5 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c60.intoArray(tile, 6 * GemmF64.TILE_COLS);
    c61.intoArray(tile, 6 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c70.intoArray(tile, 7 * GemmF64.TILE_COLS);
    c71.intoArray(tile, 7 * GemmF64.TILE_COLS + LanesF64.COUNT);
  }

  /** The same with four columns. */
  static void multiply4(
      double[] pa, int aFirst, double[] pb, int bFirst, int depth, double[] tile) {
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector c00 = zero;
    DoubleVector c01 = zero;
    DoubleVector c10 = zero;
    DoubleVector c11 = zero;
    DoubleVector c20 = zero;
    DoubleVector c21 = zero;
    DoubleVector c30 = zero;
    DoubleVector c31 = zero;
    int aAt = aFirst;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, pb, bAt);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, pb, bAt + LanesF64.COUNT);
      DoubleVector a0 = broadcast(SPECIES, pa[aAt]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      DoubleVector a1 = broadcast(SPECIES, pa[aAt + 1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      DoubleVector a2 = broadcast(SPECIES, pa[aAt + 2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      DoubleVector a3 = broadcast(SPECIES, pa[aAt + 3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      aAt += 4;
      bAt += GemmF64.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF64.COUNT);
    c10.intoArray(tile, GemmF64.TILE_COLS);
    c11.intoArray(tile, GemmF64.TILE_COLS + LanesF64.COUNT);
    c20.intoArray(tile, 2 * GemmF64.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c30.intoArray(tile, 3 * GemmF64.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF64.TILE_COLS + LanesF64.COUNT);
  }

  /**
   * Eight rows of A where they are.
   *
   * @param last the last row there is, from 0; it stands in for those after it
   */
  static void multiplyRows8(
      MemorySegment as,
      long first,
      long rowBytes,
      int last,
      double[] pb,
      int bFirst,
      int depth,
      double[] tile) {
    DoubleVector zero = DoubleVector.zero(SPECIES);
    long x0 = first;
    long x1 = first + Math.min(1, last) * rowBytes;
    long x2 = first + Math.min(2, last) * rowBytes;
    long x3 = first + Math.min(3, last) * rowBytes;
    long x4 = first + Math.min(4, last) * rowBytes;
    long x5 = first + Math.min(5, last) * rowBytes;
    long x6 = first + Math.min(6, last) * rowBytes;
    long x7 = first + Math.min(7, last) * rowBytes;
    DoubleVector c00 = zero;
    DoubleVector c01 = zero;
    DoubleVector c10 = zero;
    DoubleVector c11 = zero;
    DoubleVector c20 = zero;
    DoubleVector c21 = zero;
    DoubleVector c30 = zero;
    DoubleVector c31 = zero;
    DoubleVector c40 = zero;
    DoubleVector c41 = zero;
    DoubleVector c50 = zero;
    DoubleVector c51 = zero;
    DoubleVector c60 = zero;
    DoubleVector c61 = zero;
    DoubleVector c70 = zero;
    DoubleVector c71 = zero;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      long o = (long) l * LanesF64.BYTES;
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, pb, bAt);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, pb, bAt + LanesF64.COUNT);
      DoubleVector a0 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x0 + o));
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      DoubleVector a1 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x1 + o));
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      DoubleVector a2 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x2 + o));
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      DoubleVector a3 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x3 + o));
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      DoubleVector a4 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x4 + o));
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      DoubleVector a5 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x5 + o));
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      DoubleVector a6 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x6 + o));
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      DoubleVector a7 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x7 + o));
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      bAt += GemmF64.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF64.COUNT);
    c10.intoArray(tile, GemmF64.TILE_COLS);
    c11.intoArray(tile, GemmF64.TILE_COLS + LanesF64.COUNT);
    c20.intoArray(tile, 2 * GemmF64.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c30.intoArray(tile, 3 * GemmF64.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c40.intoArray(tile, 4 * GemmF64.TILE_COLS);
    c41.intoArray(tile, 4 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c50.intoArray(tile, 5 * GemmF64.TILE_COLS);
    c51.intoArray(tile, 5 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c60.intoArray(tile, 6 * GemmF64.TILE_COLS);
    c61.intoArray(tile, 6 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c70.intoArray(tile, 7 * GemmF64.TILE_COLS);
    c71.intoArray(tile, 7 * GemmF64.TILE_COLS + LanesF64.COUNT);
  }

  /** The same with four rows. */
  static void multiplyRows4(
      MemorySegment as,
      long first,
      long rowBytes,
      int last,
      double[] pb,
      int bFirst,
      int depth,
      double[] tile) {
    DoubleVector zero = DoubleVector.zero(SPECIES);
    long x0 = first;
    long x1 = first + Math.min(1, last) * rowBytes;
    long x2 = first + Math.min(2, last) * rowBytes;
    long x3 = first + Math.min(3, last) * rowBytes;
    DoubleVector c00 = zero;
    DoubleVector c01 = zero;
    DoubleVector c10 = zero;
    DoubleVector c11 = zero;
    DoubleVector c20 = zero;
    DoubleVector c21 = zero;
    DoubleVector c30 = zero;
    DoubleVector c31 = zero;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      long o = (long) l * LanesF64.BYTES;
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, pb, bAt);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, pb, bAt + LanesF64.COUNT);
      DoubleVector a0 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x0 + o));
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      DoubleVector a1 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x1 + o));
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      DoubleVector a2 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x2 + o));
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      DoubleVector a3 = broadcast(SPECIES, as.get(ValueLayout.JAVA_DOUBLE, x3 + o));
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      bAt += GemmF64.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF64.COUNT);
    c10.intoArray(tile, GemmF64.TILE_COLS);
    c11.intoArray(tile, GemmF64.TILE_COLS + LanesF64.COUNT);
    c20.intoArray(tile, 2 * GemmF64.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF64.TILE_COLS + LanesF64.COUNT);
    c30.intoArray(tile, 3 * GemmF64.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF64.TILE_COLS + LanesF64.COUNT);
  }
}
