package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static jdk.incubator.vector.FloatVector.broadcast;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of {@link GemmF32}: one tile of C in registers, from a packed panel of B. Spelled
 * out, because no method takes or returns a vector.
 */
final class GemmTilesF32 {
  private GemmTilesF32() {}

  /**
   * Eight columns of a packed panel of A, which is transposed, with two vectors of one of B.
   *
   * @param tile receives the products, row after row
   */
  static void multiply8(float[] pa, int aFirst, float[] pb, int bFirst, int depth, float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero;
    FloatVector c01 = zero;
    FloatVector c10 = zero;
    FloatVector c11 = zero;
    FloatVector c20 = zero;
    FloatVector c21 = zero;
    FloatVector c30 = zero;
    FloatVector c31 = zero;
    FloatVector c40 = zero;
    FloatVector c41 = zero;
    FloatVector c50 = zero;
    FloatVector c51 = zero;
    FloatVector c60 = zero;
    FloatVector c61 = zero;
    FloatVector c70 = zero;
    FloatVector c71 = zero;
    int aAt = aFirst;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, pb, bAt);
      FloatVector b1 = FloatVector.fromArray(SPECIES, pb, bAt + LanesF32.COUNT);
      FloatVector a0 = broadcast(SPECIES, pa[aAt]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = broadcast(SPECIES, pa[aAt + 1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = broadcast(SPECIES, pa[aAt + 2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = broadcast(SPECIES, pa[aAt + 3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      FloatVector a4 = broadcast(SPECIES, pa[aAt + 4]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      FloatVector a5 = broadcast(SPECIES, pa[aAt + 5]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      FloatVector a6 = broadcast(SPECIES, pa[aAt + 6]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      FloatVector a7 = broadcast(SPECIES, pa[aAt + 7]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      aAt += 8;
      bAt += GemmF32.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF32.COUNT);
    c10.intoArray(tile, GemmF32.TILE_COLS);
    c11.intoArray(tile, GemmF32.TILE_COLS + LanesF32.COUNT);
    c20.intoArray(tile, 2 * GemmF32.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c30.intoArray(tile, 3 * GemmF32.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c40.intoArray(tile, 4 * GemmF32.TILE_COLS);
    c41.intoArray(tile, 4 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c50.intoArray(tile, 5 * GemmF32.TILE_COLS);
    c51.intoArray(tile, 5 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c60.intoArray(tile, 6 * GemmF32.TILE_COLS);
    c61.intoArray(tile, 6 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c70.intoArray(tile, 7 * GemmF32.TILE_COLS);
    c71.intoArray(tile, 7 * GemmF32.TILE_COLS + LanesF32.COUNT);
  }

  /** The same with four columns. */
  static void multiply4(float[] pa, int aFirst, float[] pb, int bFirst, int depth, float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero;
    FloatVector c01 = zero;
    FloatVector c10 = zero;
    FloatVector c11 = zero;
    FloatVector c20 = zero;
    FloatVector c21 = zero;
    FloatVector c30 = zero;
    FloatVector c31 = zero;
    int aAt = aFirst;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, pb, bAt);
      FloatVector b1 = FloatVector.fromArray(SPECIES, pb, bAt + LanesF32.COUNT);
      FloatVector a0 = broadcast(SPECIES, pa[aAt]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = broadcast(SPECIES, pa[aAt + 1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = broadcast(SPECIES, pa[aAt + 2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = broadcast(SPECIES, pa[aAt + 3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      aAt += 4;
      bAt += GemmF32.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF32.COUNT);
    c10.intoArray(tile, GemmF32.TILE_COLS);
    c11.intoArray(tile, GemmF32.TILE_COLS + LanesF32.COUNT);
    c20.intoArray(tile, 2 * GemmF32.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c30.intoArray(tile, 3 * GemmF32.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF32.TILE_COLS + LanesF32.COUNT);
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
      float[] pb,
      int bFirst,
      int depth,
      float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    long x0 = first;
    long x1 = first + Math.min(1, last) * rowBytes;
    long x2 = first + Math.min(2, last) * rowBytes;
    long x3 = first + Math.min(3, last) * rowBytes;
    long x4 = first + Math.min(4, last) * rowBytes;
    long x5 = first + Math.min(5, last) * rowBytes;
    long x6 = first + Math.min(6, last) * rowBytes;
    long x7 = first + Math.min(7, last) * rowBytes;
    FloatVector c00 = zero;
    FloatVector c01 = zero;
    FloatVector c10 = zero;
    FloatVector c11 = zero;
    FloatVector c20 = zero;
    FloatVector c21 = zero;
    FloatVector c30 = zero;
    FloatVector c31 = zero;
    FloatVector c40 = zero;
    FloatVector c41 = zero;
    FloatVector c50 = zero;
    FloatVector c51 = zero;
    FloatVector c60 = zero;
    FloatVector c61 = zero;
    FloatVector c70 = zero;
    FloatVector c71 = zero;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      long o = (long) l * LanesF32.BYTES;
      FloatVector b0 = FloatVector.fromArray(SPECIES, pb, bAt);
      FloatVector b1 = FloatVector.fromArray(SPECIES, pb, bAt + LanesF32.COUNT);
      FloatVector a0 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x0 + o));
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x1 + o));
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x2 + o));
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x3 + o));
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      FloatVector a4 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x4 + o));
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      FloatVector a5 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x5 + o));
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      FloatVector a6 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x6 + o));
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      FloatVector a7 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x7 + o));
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
      bAt += GemmF32.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF32.COUNT);
    c10.intoArray(tile, GemmF32.TILE_COLS);
    c11.intoArray(tile, GemmF32.TILE_COLS + LanesF32.COUNT);
    c20.intoArray(tile, 2 * GemmF32.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c30.intoArray(tile, 3 * GemmF32.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c40.intoArray(tile, 4 * GemmF32.TILE_COLS);
    c41.intoArray(tile, 4 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c50.intoArray(tile, 5 * GemmF32.TILE_COLS);
    c51.intoArray(tile, 5 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c60.intoArray(tile, 6 * GemmF32.TILE_COLS);
    c61.intoArray(tile, 6 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c70.intoArray(tile, 7 * GemmF32.TILE_COLS);
    c71.intoArray(tile, 7 * GemmF32.TILE_COLS + LanesF32.COUNT);
  }

  /** The same with four rows. */
  static void multiplyRows4(
      MemorySegment as,
      long first,
      long rowBytes,
      int last,
      float[] pb,
      int bFirst,
      int depth,
      float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    long x0 = first;
    long x1 = first + Math.min(1, last) * rowBytes;
    long x2 = first + Math.min(2, last) * rowBytes;
    long x3 = first + Math.min(3, last) * rowBytes;
    FloatVector c00 = zero;
    FloatVector c01 = zero;
    FloatVector c10 = zero;
    FloatVector c11 = zero;
    FloatVector c20 = zero;
    FloatVector c21 = zero;
    FloatVector c30 = zero;
    FloatVector c31 = zero;
    int bAt = bFirst;
    for (int l = 0; l < depth; l++) {
      long o = (long) l * LanesF32.BYTES;
      FloatVector b0 = FloatVector.fromArray(SPECIES, pb, bAt);
      FloatVector b1 = FloatVector.fromArray(SPECIES, pb, bAt + LanesF32.COUNT);
      FloatVector a0 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x0 + o));
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x1 + o));
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x2 + o));
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = broadcast(SPECIES, as.get(ValueLayout.JAVA_FLOAT, x3 + o));
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      bAt += GemmF32.TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF32.COUNT);
    c10.intoArray(tile, GemmF32.TILE_COLS);
    c11.intoArray(tile, GemmF32.TILE_COLS + LanesF32.COUNT);
    c20.intoArray(tile, 2 * GemmF32.TILE_COLS);
    c21.intoArray(tile, 2 * GemmF32.TILE_COLS + LanesF32.COUNT);
    c30.intoArray(tile, 3 * GemmF32.TILE_COLS);
    c31.intoArray(tile, 3 * GemmF32.TILE_COLS + LanesF32.COUNT);
  }
}
