package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.narrow;

import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Dot products of rows of X with one or several vectors: predictions, and the product of a matrix
 * with a vector.
 *
 * <pre>
 *   out_ij = alpha * x_i . w_j + b_j + beta * out_ij
 * </pre>
 *
 * One call of few rows runs on the calling thread without a lock and allocates nothing; many rows
 * are shared with the worker threads in blocks. Every element is computed by one thread in one
 * order.
 */
final class RowProductsF32 implements WorkerPool.ChunkTask, AutoCloseable {
  // Bytes of X times outputs up to which one thread is used: waking a worker takes 10 us.
  private static final long SERIAL_BYTES = 512 * 1024;
  // Bytes of X per chunk.
  private static final long CHUNK_BYTES = 128 * 1024;

  private final WorkerPool pool;
  private final Arena arena;
  private final ScratchPool<Block> blocks;

  private double alpha;
  private Tensor x;
  private long first;
  private long count;
  private Tensor w;
  private Tensor b;
  private double beta;
  private Tensor out;
  private long chunkRows;

  RowProductsF32(Lifetime lifetime, WorkerPool pool, Arena arena) {
    blocks = new ScratchPool<>(lifetime, this::newBlock);
    this.pool = pool;
    this.arena = arena;
  }

  private Block newBlock() {
    return new Block(new RowBlock(arena, LanesF32.COUNT, LanesF32.BYTES));
  }

  /** Where rows are, and results; lent to one thread at a time. */
  private static final class Block {
    final RowBlock rows;
    final float[] dots = new float[RowBlock.MAX_ROWS + LanesF32.COUNT];
    double alpha;
    double beta;

    Block(RowBlock rows) {
      this.rows = rows;
    }

    /** Computes {@code n} rows of the result from the {@code from}-th. */
    void compute(Tensor x, long base, Tensor w, Tensor b, Tensor out, long from, long n) {
      MemorySegment ws = w.segment();
      long cols = x.cols();
      int outputs = outputs(w);
      int blockRows = RowKernelsF32.blockRows(cols);
      for (long row = from; row < from + n; row += blockRows) {
        rows.gather(x, null, base + row, (int) Math.min(blockRows, from + n - row));
        for (int j = 0; j < outputs; j++) {
          long wAt = w.byteOffset() + j * cols * LanesF32.BYTES;
          rows.locateWeights(ws, wAt, cols);
          RowKernelsF32.dots(rows, cols, ws, wAt, dots);
          double intercept = b == null ? 0 : Cells.get(b, j);
          store(intercept, out, out.byteOffset() + (row * out.rowStride() + j) * LanesF32.BYTES);
        }
      }
    }

    /** Writes a column of results, the first one's element being at that byte offset. */
    private void store(double intercept, Tensor out, long start) {
      MemorySegment outs = out.segment();
      long rowBytes = out.rowStride() * LanesF32.BYTES;
      for (int i = 0; i < rows.filled; i++) {
        int position = rows.row[i];
        if (position < rows.count) {
          long at = start + position * rowBytes;
          double old = beta == 0 ? 0 : beta * outs.get(ValueLayout.JAVA_FLOAT, at);
          outs.set(ValueLayout.JAVA_FLOAT, at, narrow(alpha * dots[i] + intercept + old));
        }
      }
    }
  }

  private static int outputs(Tensor w) {
    return w.shape().rank() == 1 ? 1 : Math.toIntExact(w.rows());
  }

  /**
   * {@code out = alpha * X W^T + b + beta * out} for rows {@code [first, first + count)} of X.
   *
   * @param w weights of each output, or the only one's as a vector
   */
  void apply(
      double alpha, Tensor x, long first, long count, Tensor w, Tensor b, double beta, Tensor out) {
    if (count == 1 && NarrowRowsF32.fits(x.cols()) && endsWithWholeVector(x, first, w)) {
      one(alpha, x, first, w, b, beta, out);
      return;
    }
    long rowBytes = Math.max(1, x.cols() * LanesF32.BYTES * outputs(w));
    if (count <= SERIAL_BYTES / rowBytes
        || pool.threads() == 1
        || !(x.isShareable()
            && w.isShareable()
            && out.isShareable()
            && RowSumsF32.isShareable(b))) {
      Block block = blocks.borrow();
      try {
        block.alpha = alpha;
        block.beta = beta;
        block.compute(x, first, w, b, out, 0, count);
      } finally {
        blocks.giveBack(block);
      }
      return;
    }
    pool.acquire();
    try {
      this.alpha = alpha;
      this.x = x;
      this.first = first;
      this.count = count;
      this.w = w;
      this.b = b;
      this.beta = beta;
      this.out = out;
      // Whole blocks.
      long blockRows = RowKernelsF32.blockRows(x.cols());
      chunkRows = Math.max(1, Math.ceilDiv(CHUNK_BYTES / rowBytes, blockRows)) * blockRows;
      pool.run(this, (int) Math.ceilDiv(count, chunkRows));
    } finally {
      this.x = null;
      this.w = null;
      this.b = null;
      this.out = null;
      pool.release();
    }
  }

  /** Whether the last vectors of that row and of the weights can be read whole. */
  private static boolean endsWithWholeVector(Tensor x, long row, Tensor w) {
    long beyond = (-x.cols() & (LanesF32.COUNT - 1)) * LanesF32.BYTES;
    long rowEnd = x.byteOffset() + (row * x.rowStride() + x.cols()) * LanesF32.BYTES;
    long weightsEnd = w.byteOffset() + w.count() * LanesF32.BYTES;
    return rowEnd + beyond <= x.segment().byteSize()
        && weightsEnd + beyond <= w.segment().byteSize();
  }

  /** One row needs no scratch memory: services predict row by row. */
  private static void one(
      double alpha, Tensor x, long row, Tensor w, Tensor b, double beta, Tensor out) {
    int cols = (int) x.cols();
    long xAt = x.byteOffset() + row * x.rowStride() * LanesF32.BYTES;
    MemorySegment outs = out.segment();
    int outputs = outputs(w);
    for (int j = 0; j < outputs; j++) {
      long wAt = w.byteOffset() + (long) j * cols * LanesF32.BYTES;
      double dot = NarrowRowsF32.dot(x.segment(), xAt, w.segment(), wAt, cols);
      long at = out.byteOffset() + (long) j * LanesF32.BYTES;
      double old = beta == 0 ? 0 : beta * outs.get(ValueLayout.JAVA_FLOAT, at);
      double intercept = b == null ? 0 : Cells.get(b, j);
      outs.set(ValueLayout.JAVA_FLOAT, at, narrow(alpha * dot + intercept + old));
    }
  }

  @Override
  public void run(int chunk, int worker) {
    Block block = blocks.borrow();
    try {
      long from = chunk * chunkRows;
      block.alpha = alpha;
      block.beta = beta;
      block.compute(x, first, w, b, out, from, Math.min(chunkRows, count - from));
    } finally {
      blocks.giveBack(block);
    }
  }

  /** Waits until no thread has scratch memory any more. */
  @Override
  public void close() {
    blocks.close();
  }
}
