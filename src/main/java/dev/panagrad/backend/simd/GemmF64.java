package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;

import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;

/**
 * {@code C = alpha * op(A) op(B) + beta * C} by packed panels and register tiles (Goto and van de
 * Geijn 2008, Anatomy of high-performance matrix multiplication).
 *
 * <pre>
 *   for a block of COLS columns of C
 *     for a block of DEPTH of the inner dimension
 *       pack B into panels [TILE_COLS wide], shared by all threads
 *       for a block of ROWS rows of C                one chunk
 *         pack A into panels [TILE_ROWS tall]
 *         for each tile: TILE_ROWS x TILE_COLS in registers, then added to C
 * </pre>
 *
 * Panels are heap arrays, private to a thread: a kernel body with many segment accesses passes the
 * compiler's inlining limit and boxes its vectors. Each element of C is summed in one order,
 * whatever the number of threads.
 *
 * <p>Threading: calls take turns by the pool's lock.
 */
final class GemmF64 implements WorkerPool.ChunkTask {
  private static final int TILE_ROWS = 4;
  private static final int TILE_COLS = 2 * LanesF64.COUNT;
  private static final int DEPTH = 256;
  private static final int ROWS = 64;
  private static final int COLS = 512;

  private final WorkerPool pool;
  private final double[][] packedA;
  private final double[][] tiles;
  private double[] packedB;

  private Tensor a;
  private Tensor b;
  private Tensor c;
  private boolean aTransposed;
  private boolean bTransposed;
  private double alpha;
  private long colFirst;
  private int cols;
  private long depthFirst;
  private int depth;

  GemmF64(WorkerPool pool) {
    this.pool = pool;
    packedA = new double[pool.threads()][];
    tiles = new double[pool.threads()][];
  }

  void apply(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    pool.acquire();
    try {
      this.a = a;
      this.b = b;
      this.c = c;
      this.alpha = alpha;
      aTransposed = transposeA == Transpose.YES;
      bTransposed = transposeB == Transpose.YES;
      scale(c, beta);
      if (packedB == null) {
        packedB = new double[DEPTH * COLS];
      }
      long inner = aTransposed ? a.rows() : a.cols();
      boolean shareable = a.isShareable() && b.isShareable() && c.isShareable();
      for (colFirst = 0; colFirst < c.cols(); colFirst += COLS) {
        cols = (int) Math.min(COLS, c.cols() - colFirst);
        for (depthFirst = 0; depthFirst < inner; depthFirst += DEPTH) {
          depth = (int) Math.min(DEPTH, inner - depthFirst);
          packB();
          long blocks = Math.ceilDiv(c.rows(), ROWS);
          if (shareable && blocks > 1 && blocks < (1 << 20)) {
            pool.run(this, (int) blocks);
          } else {
            for (long block = 0; block < blocks; block++) {
              rows(block, 0);
            }
          }
        }
      }
    } finally {
      this.a = null;
      this.b = null;
      this.c = null;
      pool.release();
    }
  }

  private static void scale(Tensor c, double beta) {
    if (beta == 1) {
      return;
    }
    for (long i = 0; i < c.rows(); i++) {
      for (long j = 0; j < c.cols(); j++) {
        long at = at(c, i, j);
        double old = beta == 0 ? 0 : beta * c.segment().get(ValueLayout.JAVA_DOUBLE, at);
        c.segment().set(ValueLayout.JAVA_DOUBLE, at, narrow(old));
      }
    }
  }

  private static long at(Tensor t, long row, long col) {
    return t.byteOffset() + (row * t.rowStride() + col) * LanesF64.BYTES;
  }

  /** Panels of TILE_COLS columns, depth by depth; columns beyond the matrix are zero. */
  private void packB() {
    MemorySegment bs = b.segment();
    for (int panel = 0; panel < cols; panel += TILE_COLS) {
      int wide = Math.min(TILE_COLS, cols - panel);
      int to = panel * depth;
      for (int l = 0; l < depth; l++, to += TILE_COLS) {
        for (int j = 0; j < wide; j++) {
          long row = depthFirst + l;
          long col = colFirst + panel + j;
          long from = bTransposed ? at(b, col, row) : at(b, row, col);
          packedB[to + j] = bs.get(ValueLayout.JAVA_DOUBLE, from);
        }
        for (int j = wide; j < TILE_COLS; j++) {
          packedB[to + j] = 0;
        }
      }
    }
  }

  @Override
  public void run(int chunk, int worker) {
    rows(chunk, worker);
  }

  private void rows(long block, int worker) {
    long rowFirst = block * ROWS;
    int rows = (int) Math.min(ROWS, c.rows() - rowFirst);
    if (packedA[worker] == null) {
      packedA[worker] = new double[DEPTH * ROWS];
      tiles[worker] = new double[TILE_ROWS * TILE_COLS];
    }
    double[] pa = packedA[worker];
    double[] tile = tiles[worker];
    packA(pa, rowFirst, rows);
    for (int panel = 0; panel < cols; panel += TILE_COLS) {
      for (int i = 0; i < rows; i += TILE_ROWS) {
        multiply(pa, i * depth, packedB, panel * depth, depth, tile);
        addTile(
            tile,
            rowFirst + i,
            Math.min(TILE_ROWS, rows - i),
            colFirst + panel,
            Math.min(TILE_COLS, cols - panel));
      }
    }
  }

  /** Panels of TILE_ROWS rows, depth by depth; rows beyond the matrix are zero. */
  private void packA(double[] pa, long rowFirst, int rows) {
    MemorySegment as = a.segment();
    for (int panel = 0; panel < rows; panel += TILE_ROWS) {
      int to = panel * depth;
      for (int i = 0; i < TILE_ROWS; i++) {
        for (int l = 0; l < depth; l++) {
          long row = rowFirst + panel + i;
          long col = depthFirst + l;
          double value =
              panel + i < rows
                  ? as.get(ValueLayout.JAVA_DOUBLE, aTransposed ? at(a, col, row) : at(a, row, col))
                  : 0;
          pa[to + l * TILE_ROWS + i] = value;
        }
      }
    }
  }

  /** One tile: 4 rows by two vectors, eight independent chains of multiply-adds. */
  private static void multiply(double[] pa, int aAt, double[] pb, int bAt, int depth, double[] tile) {
    DoubleVector c00 = DoubleVector.zero(SPECIES);
    DoubleVector c01 = DoubleVector.zero(SPECIES);
    DoubleVector c10 = DoubleVector.zero(SPECIES);
    DoubleVector c11 = DoubleVector.zero(SPECIES);
    DoubleVector c20 = DoubleVector.zero(SPECIES);
    DoubleVector c21 = DoubleVector.zero(SPECIES);
    DoubleVector c30 = DoubleVector.zero(SPECIES);
    DoubleVector c31 = DoubleVector.zero(SPECIES);
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
      aAt += TILE_ROWS;
      bAt += TILE_COLS;
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, LanesF64.COUNT);
    c10.intoArray(tile, TILE_COLS);
    c11.intoArray(tile, TILE_COLS + LanesF64.COUNT);
    c20.intoArray(tile, 2 * TILE_COLS);
    c21.intoArray(tile, 2 * TILE_COLS + LanesF64.COUNT);
    c30.intoArray(tile, 3 * TILE_COLS);
    c31.intoArray(tile, 3 * TILE_COLS + LanesF64.COUNT);
  }

  private void addTile(double[] tile, long row, int rows, long col, int wide) {
    MemorySegment cs = c.segment();
    for (int i = 0; i < rows; i++) {
      long to = at(c, row + i, col);
      for (int j = 0; j < wide; j++) {
        long at = to + (long) j * LanesF64.BYTES;
        double old = cs.get(ValueLayout.JAVA_DOUBLE, at);
        cs.set(ValueLayout.JAVA_DOUBLE, at, narrow(old + alpha * tile[i * TILE_COLS + j]));
      }
    }
  }
}
