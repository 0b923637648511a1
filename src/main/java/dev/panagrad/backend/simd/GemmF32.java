package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.ProductKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

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
 * For few columns of C, A is read where it is unless it is transposed: each element is for few
 * vectors of B. For many it is packed, as rows of a power of two of bytes share the sets of the
 * cache (1,024 x 1,024: 98 to 128 GFLOP/s; 2-core Intel Xeon, AVX-512, 2026-11-30).
 *
 * <p>Panels are heap arrays, private to a thread or to the call: a kernel body with many segment
 * accesses passes the compiler's inlining limit and boxes its vectors. Each element of C is summed
 * in one order, whatever the number of threads.
 *
 * <p>Small products are {@link SmallProductsF32}'s.
 *
 * <p>Threading: calls take turns by the pool's lock; small products take none.
 */
final class GemmF32 implements WorkerPool.ChunkTask, AutoCloseable {
  /**
   * Eight rows by two vectors are 16 independent chains, and with what feeds them fit the 32
   * registers of AVX-512; narrower vectors may have 16 registers, which fit four rows.
   */
  private static final int TILE_ROWS = LanesF32.COUNT * LanesF32.BYTES == 64 ? 8 : 4;

  static final int TILE_COLS = 2 * LanesF32.COUNT;
  // Whether a vector holds TILE_ROWS elements.
  private static final boolean ROW_LANES = TILE_ROWS <= LanesF32.COUNT;

  private static final long VECTOR_BYTES = (long) LanesF32.COUNT * LanesF32.BYTES;

  /**
   * A panel of B has then 32 KiB, which the level-1 cache holds while panels of A of 8 KiB come
   * from the level-2 cache; packed A has 64 KiB in F32, and packed B 1 MiB (1,024 x 1,024: 128 to
   * 142 GFLOP/s against a depth of 1,024; 2-core Intel Xeon, AVX-512, 2026-11-30).
   */
  private static final int DEPTH = 256;

  // Columns of C up to which A is read where it is.
  private static final int FEW_COLS = TILE_COLS;

  // Rows of C per chunk and columns per block.
  private static final int ROWS = 64;
  private static final int COLS = 1024;
  // Columns per chunk, at most, where C has too few rows for all threads; A is packed once more for
  // each.
  private static final int SHARED_COLS = 128;
  // Panels of B per chunk of packing.
  private static final int PACK_PANELS = 2;
  // Products of a block below which one thread is used: some 20 microseconds.
  private static final double SERIAL_PRODUCTS = 1e6;

  private final WorkerPool pool;
  // Of small products, which do not take turns.
  private final ScratchPool<float[]> smallTiles;
  private final float[][] packedA;
  private final float[][] tiles;
  private float[] packedB = {};

  // To be set by a caller that has the pool's turn and calls multiply.
  final Operand a = new Operand();
  final Operand b = new Operand();
  final Operand c = new Operand();

  private float alpha;
  private double beta;
  // Whether C is symmetric: tiles that lie below the diagonal are left out.
  private boolean isSymmetric;
  private boolean packsB;
  private long colFirst;
  private int cols;
  private int chunkCols;
  private int colBlocks;
  private long depthFirst;
  private int depth;

  GemmF32(Lifetime lifetime, WorkerPool pool) {
    this.pool = pool;
    smallTiles = new ScratchPool<>(lifetime, () -> new float[SmallProductsF32.TILE]);
    packedA = new float[pool.threads()][0];
    tiles = new float[pool.threads()][TILE_ROWS * TILE_COLS];
  }

  void apply(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    boolean isSmall = SmallProductsF32.fits(c.rows(), b.rows(), c.cols());
    if (isSmall && beta == 0 && opB == Transpose.NO) {
      float[] tile = smallTiles.borrow();
      try {
        SmallProductsF32.multiply(opA == Transpose.YES, narrow(alpha), a, b, c, tile);
      } finally {
        smallTiles.giveBack(tile);
      }
      return;
    }
    pool.acquire();
    try {
      this.a.set(a, opA == Transpose.YES);
      this.b.set(b, opB == Transpose.YES);
      this.c.set(c, false);
      multiply(alpha, beta, a.isShareable() && b.isShareable() && c.isShareable());
    } finally {
      forget();
      pool.release();
    }
  }

  /** {@code C = alpha * A^T A + beta * C}. */
  void symmetric(double alpha, Tensor a, double beta, Tensor c) {
    pool.acquire();
    try {
      this.a.set(a, true);
      this.b.set(a, false);
      this.c.set(c, false);
      isSymmetric = true;
      multiply(alpha, beta, a.isShareable() && c.isShareable());
    } finally {
      isSymmetric = false;
      forget();
      pool.release();
    }
    ProductKernels.mirror(c);
  }

  void forget() {
    a.segment = null;
    b.segment = null;
    c.segment = null;
  }

  /** The product of the operands that have been set, whose memory worker threads may use or not. */
  void multiply(double alpha, double beta, boolean shareable) {
    this.alpha = narrow(alpha);
    this.beta = beta;
    long inner = a.transposed ? a.rows : a.cols;
    if (inner == 0) {
      scale();
      return;
    }
    long panels = Math.ceilDiv(Math.min(COLS, c.cols), TILE_COLS);
    int size = (int) (Math.min(DEPTH, inner) * panels * TILE_COLS);
    packedB = packedB.length < size ? new float[size] : packedB;
    double products = (double) c.rows * Math.min(COLS, c.cols) * Math.min(DEPTH, inner);
    boolean shared = shareable && products > SERIAL_PRODUCTS;
    for (colFirst = 0; colFirst < c.cols; colFirst += COLS) {
      cols = (int) Math.min(COLS, c.cols - colFirst);
      for (depthFirst = 0; depthFirst < inner; depthFirst += DEPTH) {
        depth = (int) Math.min(DEPTH, inner - depthFirst);
        packsB = true;
        chunks(Math.ceilDiv(cols, PACK_PANELS * TILE_COLS), shared);
        packsB = false;
        long rowBlocks = Math.ceilDiv(c.rows, ROWS);
        chunkCols = shared && rowBlocks < 2L * pool.threads() ? sharedCols() : COLS;
        colBlocks = Math.ceilDiv(cols, chunkCols);
        chunks(rowBlocks * colBlocks, shared);
      }
    }
  }

  /** Of few columns, whole tiles, so that every thread has two chunks. */
  private int sharedCols() {
    int tiles = Math.ceilDiv(Math.ceilDiv(cols, 2 * pool.threads()), TILE_COLS);
    return cols > SHARED_COLS ? SHARED_COLS : tiles * TILE_COLS;
  }

  private void chunks(long count, boolean shared) {
    if (shared && count > 1 && count <= Integer.MAX_VALUE) {
      pool.run(this, (int) count);
    } else {
      for (long chunk = 0; chunk < count; chunk++) {
        chunk(chunk, 0);
      }
    }
  }

  @Override
  public void run(int chunk, int worker) {
    chunk(chunk, worker);
  }

  private void chunk(long chunk, int worker) {
    if (packsB) {
      packB((int) chunk * PACK_PANELS * TILE_COLS);
    } else {
      rows(chunk / colBlocks, (int) (chunk % colBlocks) * chunkCols, worker);
    }
  }

  /** {@code C = beta * C}: the product of matrices without an inner dimension is zero. */
  private void scale() {
    for (long i = 0; i < c.rows; i++) {
      for (long j = 0; j < c.cols; j++) {
        long at = c.at(i, j);
        double old = beta == 0 ? 0 : beta * c.segment.get(ValueLayout.JAVA_FLOAT, at);
        c.segment.set(ValueLayout.JAVA_FLOAT, at, narrow(old));
      }
    }
  }

  /** Panels of TILE_COLS columns, depth by depth. */
  private void packB(int from) {
    int to = Math.min(cols, from + PACK_PANELS * TILE_COLS);
    for (int panel = from; panel < to; panel += TILE_COLS) {
      int wide = Math.min(TILE_COLS, cols - panel);
      if (b.transposed) {
        packAcross(b, colFirst + panel, wide, depthFirst, depth, packedB, panel * depth, TILE_COLS);
      } else {
        packAlong(b, depthFirst, depth, colFirst + panel, wide, packedB, panel * depth, TILE_COLS);
      }
    }
  }

  /** Panels of TILE_ROWS rows of op(A), depth by depth. */
  private void packA(float[] pa, long rowFirst, int rows) {
    for (int panel = 0; panel < rows; panel += TILE_ROWS) {
      int tall = Math.min(TILE_ROWS, rows - panel);
      int to = panel * depth;
      if (a.transposed) {
        packAlong(a, depthFirst, depth, rowFirst + panel, tall, pa, to, TILE_ROWS);
      } else {
        packAcross(a, rowFirst + panel, tall, depthFirst, depth, pa, to, TILE_ROWS);
      }
    }
  }

  /**
   * Rows {@code [first, first + deep)} of columns {@code [col, col + wide)}, row after row. Columns
   * beyond them are what lies there or zeros, and nothing is read of their products. A vector may
   * write beyond its row: to the next one, which is written after it, or to the part of the array
   * that is not used.
   */
  private static void packAlong(
      Operand t, long first, int deep, long col, int wide, float[] to, int toFirst, int width) {
    MemorySegment ts = t.segment;
    boolean isPair = width == TILE_COLS && wide > LanesF32.COUNT;
    boolean isOne = !isPair && (ROW_LANES || width == TILE_COLS);
    long end = ts.byteSize() - (isPair ? 2 : 1) * VECTOR_BYTES;
    for (int l = 0; l < deep; l++) {
      long from = t.at(first + l, col);
      int at = toFirst + l * width;
      int j = 0;
      if (isPair && from <= end) {
        fromMemorySegment(SPECIES, ts, from, ORDER).intoArray(to, at);
        fromMemorySegment(SPECIES, ts, from + VECTOR_BYTES, ORDER)
            .intoArray(to, at + LanesF32.COUNT);
        continue;
      } else if (isOne && from <= end) {
        fromMemorySegment(SPECIES, ts, from, ORDER).intoArray(to, at);
        continue;
      }
      for (; j < wide; j++) {
        to[at + j] = ts.get(ValueLayout.JAVA_FLOAT, from + (long) j * LanesF32.BYTES);
      }
      for (; j < width; j++) {
        to[at + j] = 0;
      }
    }
  }

  /**
   * Columns {@code [first, first + deep)} of rows {@code [row, row + tall)}, column by column, of
   * four rows at once: stores are then next to each other. Rows beyond them are the last.
   */
  private static void packAcross(
      Operand t, long row, int tall, long first, int deep, float[] to, int toFirst, int width) {
    MemorySegment ts = t.segment;
    for (int i = 0; i < width; i += 4) {
      long from0 = t.at(row + Math.min(i, tall - 1), first);
      long from1 = t.at(row + Math.min(i + 1, tall - 1), first);
      long from2 = t.at(row + Math.min(i + 2, tall - 1), first);
      long from3 = t.at(row + Math.min(i + 3, tall - 1), first);
      int at = toFirst + i;
      for (int l = 0; l < deep; l++) {
        long o = (long) l * LanesF32.BYTES;
        to[at] = ts.get(ValueLayout.JAVA_FLOAT, from0 + o);
        to[at + 1] = ts.get(ValueLayout.JAVA_FLOAT, from1 + o);
        to[at + 2] = ts.get(ValueLayout.JAVA_FLOAT, from2 + o);
        to[at + 3] = ts.get(ValueLayout.JAVA_FLOAT, from3 + o);
        at += width;
      }
    }
  }

  private void rows(long block, int panelFirst, int worker) {
    long rowFirst = block * ROWS;
    int panelEnd = Math.min(cols, panelFirst + chunkCols);
    long end = isSymmetric ? colFirst + panelEnd : c.rows;
    int rows = (int) Math.min(ROWS, end - rowFirst);
    if (rows <= 0) {
      return;
    }
    int packed = depth * Math.ceilDiv(rows, TILE_ROWS) * TILE_ROWS;
    boolean packsA = a.transposed || c.cols > FEW_COLS;
    if (packsA && packedA[worker].length < packed + LanesF32.COUNT) {
      packedA[worker] = new float[packed + LanesF32.COUNT];
    }
    float[] pa = packedA[worker];
    float[] tile = tiles[worker];
    if (packsA) {
      packA(pa, rowFirst, rows);
    }
    boolean overwrites = depthFirst == 0 && beta == 0;
    double oldScale = depthFirst == 0 ? beta : 1;
    for (int panel = panelFirst; panel < panelEnd; panel += TILE_COLS) {
      int wide = Math.min(TILE_COLS, cols - panel);
      long last = isSymmetric ? colFirst + panel + wide - rowFirst : rows;
      for (int i = 0; i < Math.min(rows, last); i += TILE_ROWS) {
        int tall = Math.min(TILE_ROWS, rows - i);
        int bAt = panel * depth;
        if (!packsA) {
          long aAt = a.at(rowFirst + i, depthFirst);
          long aBytes = a.rowStride * LanesF32.BYTES;
          if (TILE_ROWS == 8) {
            GemmTilesF32.multiplyRows8(a.segment, aAt, aBytes, tall - 1, packedB, bAt, depth, tile);
          } else {
            GemmTilesF32.multiplyRows4(a.segment, aAt, aBytes, tall - 1, packedB, bAt, depth, tile);
          }
        } else if (TILE_ROWS == 8) {
          GemmTilesF32.multiply8(pa, i * depth, packedB, bAt, depth, tile);
        } else {
          GemmTilesF32.multiply4(pa, i * depth, packedB, bAt, depth, tile);
        }
        long to = c.at(rowFirst + i, colFirst + panel);
        int vectors = oldScale == 0 || oldScale == 1 ? wide / LanesF32.COUNT : 0;
        if (overwrites) {
          store(tile, tall, vectors, to);
        } else {
          add(tile, tall, vectors, to);
        }
        addRest(tile, tall, vectors * LanesF32.COUNT, wide, to, oldScale);
      }
    }
  }

  private void add(float[] tile, int tall, int vectors, long first) {
    MemorySegment cs = c.segment;
    FloatVector factor = broadcast(SPECIES, alpha);
    for (int i = 0; i < tall; i++) {
      for (int v = 0; v < vectors; v++) {
        long at = first + i * c.rowStride * LanesF32.BYTES + v * VECTOR_BYTES;
        FloatVector.fromArray(SPECIES, tile, i * TILE_COLS + v * LanesF32.COUNT)
            .fma(factor, fromMemorySegment(SPECIES, cs, at, ORDER))
            .intoMemorySegment(cs, at, ORDER);
      }
    }
  }

  private void store(float[] tile, int tall, int vectors, long first) {
    MemorySegment cs = c.segment;
    FloatVector factor = broadcast(SPECIES, alpha);
    for (int i = 0; i < tall; i++) {
      for (int v = 0; v < vectors; v++) {
        long at = first + i * c.rowStride * LanesF32.BYTES + v * VECTOR_BYTES;
        FloatVector.fromArray(SPECIES, tile, i * TILE_COLS + v * LanesF32.COUNT)
            .mul(factor)
            .intoMemorySegment(cs, at, ORDER);
      }
    }
  }

  /** The columns behind whole vectors, or all with a beta: 0 does not read the old content. */
  private void addRest(float[] tile, int tall, int from, int wide, long first, double oldScale) {
    MemorySegment cs = c.segment;
    double factor = alpha;
    for (int i = 0; from < wide && i < tall; i++) {
      for (int j = from; j < wide; j++) {
        long at = first + (i * c.rowStride + j) * LanesF32.BYTES;
        double old = oldScale == 0 ? 0 : oldScale * cs.get(ValueLayout.JAVA_FLOAT, at);
        cs.set(ValueLayout.JAVA_FLOAT, at, narrow(old + factor * tile[i * TILE_COLS + j]));
      }
    }
  }

  /** Waits for small products that are computed. */
  @Override
  public void close() {
    smallTiles.close();
  }
}
