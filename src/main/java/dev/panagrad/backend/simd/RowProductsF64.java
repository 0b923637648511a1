package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.narrow;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
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
final class RowProductsF64 implements WorkerPool.ChunkTask {
  /**
   * Bytes of X times outputs below which one thread is used: waking a worker takes some 10
   * microseconds.
   */
  private static final long SERIAL_BYTES = 512 * 1024;

  /** Bytes of X per chunk. */
  private static final long CHUNK_BYTES = 128 * 1024;

  private final WorkerPool pool;
  private final Arena arena;
  private final ScratchPool<Block> blocks = new ScratchPool<>(this::newBlock);

  private double alpha;
  private Tensor x;
  private long first;
  private long count;
  private Tensor w;
  private Tensor b;
  private double beta;
  private Tensor out;
  private long chunkRows;

  RowProductsF64(WorkerPool pool, Arena arena) {
    this.pool = pool;
    this.arena = arena;
  }

  private Block newBlock() {
    return new Block(new RowBlock(arena, LanesF64.COUNT, LanesF64.BYTES));
  }

  /** Where rows are, and results; lent to one thread at a time. */
  private static final class Block {
    final RowBlock rows;
    final double[] dots = new double[RowBlock.MAX_ROWS + LanesF64.COUNT];

    Block(RowBlock rows) {
      this.rows = rows;
    }
  }

  void apply(
      double alpha, Tensor x, long first, long count, Tensor w, Tensor b, double beta, Tensor out) {
    long outputs = w.shape().rank() == 1 ? 1 : w.rows();
    long rowBytes = Math.max(1, x.cols() * LanesF64.BYTES * outputs);
    if (count <= SERIAL_BYTES / rowBytes
        || pool.threads() == 1
        || !(x.isShareable()
            && w.isShareable()
            && out.isShareable()
            && (b == null || b.isShareable()))) {
      rows(alpha, x, first, count, w, b, beta, out, 0);
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
      // Whole blocks; at most 2^16 chunks.
      long wanted = Math.max(CHUNK_BYTES / rowBytes, (count >>> 16) + 1);
      long blockRows = RowKernelsF64.blockRows(x.cols());
      chunkRows = Math.ceilDiv(wanted, blockRows) * blockRows;
      pool.run(this, (int) Math.ceilDiv(count, chunkRows));
    } finally {
      this.x = null;
      this.w = null;
      this.b = null;
      this.out = null;
      pool.release();
    }
  }

  @Override
  public void run(int chunk, int worker) {
    long from = chunk * chunkRows;
    rows(alpha, x, first + from, Math.min(chunkRows, count - from), w, b, beta, out, from);
  }

  private void rows(
      double alpha,
      Tensor x,
      long first,
      long count,
      Tensor w,
      Tensor b,
      double beta,
      Tensor out,
      long outFirst) {
    Block block = blocks.borrow();
    try {
      rows(alpha, x, first, count, w, b, beta, out, outFirst, block);
    } finally {
      blocks.giveBack(block);
    }
  }

  private static void rows(
      double alpha,
      Tensor x,
      long first,
      long count,
      Tensor w,
      Tensor b,
      double beta,
      Tensor out,
      long outFirst,
      Block block) {
    long cols = x.cols();
    int outputs = w.shape().rank() == 1 ? 1 : Math.toIntExact(w.rows());
    int blockRows = RowKernelsF64.blockRows(cols);
    for (long row = 0; row < count; row += blockRows) {
      int n = (int) Math.min(blockRows, count - row);
      block.rows.locate(x, null, first + row, n);
      for (int j = 0; j < outputs; j++) {
        long wAt = w.byteOffset() + j * cols * LanesF64.BYTES;
        block.rows.locateWeights(w.segment(), wAt, cols);
        RowKernelsF64.dots(block.rows, cols, w.segment(), wAt, block.dots);
        double intercept =
            b == null
                ? 0
                : b.segment()
                    .get(ValueLayout.JAVA_DOUBLE, b.byteOffset() + (long) j * LanesF64.BYTES);
        MemorySegment outs = out.segment();
        for (int i = 0; i < block.rows.filled; i++) {
          int position = block.rows.row[i];
          if (position < n) {
            long at =
                out.byteOffset()
                    + ((outFirst + row + position) * out.rowStride() + j) * LanesF64.BYTES;
            double old = beta == 0 ? 0 : beta * outs.get(ValueLayout.JAVA_DOUBLE, at);
            outs.set(ValueLayout.JAVA_DOUBLE, at, narrow(alpha * block.dots[i] + intercept + old));
          }
        }
      }
    }
  }
}
