package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/**
 * Weighted sums over the rows of X in one pass: the gradient of the mean squared error, where the
 * weight of a row is its residual, and the product with the transposed matrix, where weights are
 * given.
 *
 * <pre>
 *   for each block of rows, small enough for the level-2 cache
 *     for each output j, or four at a time
 *       r_ij = x_i . w_j + b_j - y_ij        rows come from memory, once
 *       G_j += r_ij x_i                      rows come from the cache
 * </pre>
 *
 * Sums are kept in the element type for {@link #FLUSH_ROWS} rows and then added to F64 totals. Rows
 * are cut into chunks whose number depends on the sizes only; each chunk has totals of its own,
 * which are added in order at the end.
 *
 * <pre>
 *   scratch of a chunk   | sums [outputs][padded cols] | totals F64 [outputs][padded cols] |
 * </pre>
 *
 * Threading: calls take turns by the pool's lock.
 */
final class RowSumsF64 implements WorkerPool.ChunkTask, AutoCloseable {
  /**
   * Rows summed in the element type: 256 terms lose at most 8 bits in the worst case, half that on
   * average.
   */
  private static final int FLUSH_ROWS = 256;

  /**
   * Chunks of a call, at most: balance for up to eight threads, at 16 times the outputs' memory.
   */
  private static final int MAX_CHUNKS = 16;

  /**
   * Rows of a chunk, at least: adding the totals of a chunk then costs less than a tenth of
   * computing them.
   */
  private static final int CHUNK_ROWS = 64;

  /** Bytes of X times outputs per chunk, at least: some 15 microseconds. */
  private static final long CHUNK_BYTES = 512 * 1024;

  /**
   * Bytes of X times outputs below which a call is one chunk: waking a worker takes some 10
   * microseconds.
   */
  private static final long SERIAL_BYTES = 512 * 1024;

  private static final long STRIDE = (long) LanesF64.COUNT * LanesF64.BYTES;

  /** Elements from the residuals of one output to those of the next. */
  private static final int PITCH = RowBlock.MAX_ROWS + LanesF64.COUNT;

  private final WorkerPool pool;
  private final Scratch scratch = new Scratch();
  private final RowBlock[] blocks = new RowBlock[MAX_CHUNKS];
  private final double[][] weight = new double[MAX_CHUNKS][OutputRowsF64.OUTPUTS * PITCH];
  private final long[][] weightsAt = new long[MAX_CHUNKS][OutputRowsF64.OUTPUTS];
  private final LossBlock[] lossBlocks = new LossBlock[MAX_CHUNKS];
  private final MemorySegment last;
  private double[][] residualSums = new double[MAX_CHUNKS][1];
  private double[][] squareSums = new double[MAX_CHUNKS][1];

  private Tensor x;
  private Tensor y;

  /** Null for the squared error. */
  private RowLoss rowLoss;

  private Tensor index;
  private Tensor w;
  private Tensor b;
  private Tensor given;
  private MemorySegment memory;
  private long first;
  private long count;
  private int outputs;
  private int chunks;
  private long outputBytes;
  private long sumsBytes;
  private long chunkBytes;
  private boolean flushes;
  private boolean wantsSums;

  RowSumsF64(WorkerPool pool, Arena arena) {
    this.pool = pool;
    for (int chunk = 0; chunk < MAX_CHUNKS; chunk++) {
      blocks[chunk] = new RowBlock(arena, LanesF64.COUNT, LanesF64.BYTES);
      lossBlocks[chunk] = new LossBlock();
    }
    last = arena.allocate(64, 64);
  }

  /**
   * {@link dev.panagrad.backend.LinearKernels#gradient}.
   *
   * @param rowLoss null for the squared error
   */
  void gradient(
      RowLoss rowLoss,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    pool.acquire();
    try {
      this.rowLoss = rowLoss;
      this.y = y;
      this.index = index;
      this.w = w;
      this.b = b;
      boolean shareable =
          y.isShareable()
              && w.isShareable()
              && (index == null || index.isShareable())
              && (b == null || b.isShareable())
              && isShareable(rowLoss);
      wantsSums = gb != null || loss != null;
      sum(x, first, count, Math.toIntExact(w.rows()), shareable);
      double scale = (rowLoss == null ? 2.0 : 1.0) / count;
      for (int j = 0; j < outputs; j++) {
        write(j, scale, 0, gw.segment(), gw.byteOffset() + j * x.cols() * LanesF64.BYTES);
        double residuals = 0;
        double squares = 0;
        for (int chunk = 0; wantsSums && chunk < chunks; chunk++) {
          residuals += residualSums[chunk][j];
          squares += squareSums[chunk][j];
        }
        if (gb != null) {
          gb.segment()
              .set(
                  ValueLayout.JAVA_DOUBLE,
                  gb.byteOffset() + (long) j * LanesF64.BYTES,
                  narrow(scale * residuals));
        }
        if (loss != null) {
          loss.segment()
              .set(
                  ValueLayout.JAVA_DOUBLE,
                  loss.byteOffset() + (long) j * Double.BYTES,
                  squares / count);
        }
      }
    } finally {
      forget();
      pool.release();
    }
  }

  /** {@code out = alpha * X^T given + beta * out}. */
  void transposedProduct(double alpha, Tensor x, Tensor given, double beta, Tensor out) {
    pool.acquire();
    try {
      this.given = given;
      sum(x, 0, x.rows(), 1, given.isShareable());
      write(0, alpha, beta, out.segment(), out.byteOffset());
    } finally {
      forget();
      pool.release();
    }
  }

  private static boolean isShareable(RowLoss rowLoss) {
    return rowLoss == null
        || ((rowLoss.weights() == null || rowLoss.weights().isShareable())
            && (rowLoss.offset() == null || rowLoss.offset().isShareable()));
  }

  private void forget() {
    rowLoss = null;
    x = null;
    y = null;
    index = null;
    w = null;
    b = null;
    given = null;
  }

  private void sum(Tensor x, long first, long count, int outputs, boolean shareable) {
    this.x = x;
    this.first = first;
    this.count = count;
    this.outputs = outputs;
    long cols = x.cols();
    chunks = chunks(Math.max(1, cols * LanesF64.BYTES * outputs), count);
    flushes = chunks > 1 || count > FLUSH_ROWS;
    long padded = Math.ceilDiv(cols, LanesF64.COUNT) * LanesF64.COUNT;
    outputBytes = padded * LanesF64.BYTES;
    long sumRows = outputs == 1 ? 1 : Math.ceilDiv((long) outputs, OutputRowsF64.OUTPUTS) * 4;
    sumsBytes = Math.multiplyExact(outputBytes, sumRows);
    long totalsBytes = flushes ? Math.multiplyExact(padded * Double.BYTES, sumRows) : 0;
    chunkBytes = Math.ceilDiv(sumsBytes + totalsBytes, 64) * 64;
    memory = scratch.atLeast(Math.multiplyExact(chunkBytes, chunks));
    if (residualSums[0].length < outputs) {
      double[][] squares = new double[MAX_CHUNKS][outputs];
      residualSums = new double[MAX_CHUNKS][outputs];
      squareSums = squares;
    }
    if (shareable && x.isShareable()) {
      pool.run(this, chunks);
    } else {
      for (int chunk = 0; chunk < chunks; chunk++) {
        run(chunk, 0);
      }
    }
    combine();
  }

  private static int chunks(long rowBytes, long count) {
    if (rowBytes < SERIAL_BYTES / Math.max(1, count)) {
      return 1;
    }
    long chunkRows = Math.max(CHUNK_ROWS, CHUNK_BYTES / rowBytes);
    return Math.clamp(count / chunkRows, 1, MAX_CHUNKS);
  }

  @Override
  public void run(int chunk, int worker) {
    long from = first + count * chunk / chunks;
    long to = first + count * (chunk + 1) / chunks;
    long sumsAt = chunk * chunkBytes;
    clear(sumsAt);
    if (wantsSums) {
      Arrays.fill(residualSums[chunk], 0, outputs, 0);
      Arrays.fill(squareSums[chunk], 0, outputs, 0);
    }
    long cols = x.cols();
    int blockRows = RowKernelsF64.blockRows(cols);
    long pending = 0;
    RowBlock block = blocks[chunk];
    double[] r = weight[chunk];
    for (long row = from; row < to; row += blockRows) {
      int rows = (int) Math.min(blockRows, to - row);
      block.locate(x, index, row, rows);
      int j = 0;
      while (given == null && outputs - j > 1 && cols <= RowKernelsF64.SEGMENT) {
        fourOutputs(chunk, j, block, r, row, sumsAt);
        j += Math.min(OutputRowsF64.OUTPUTS, outputs - j);
      }
      for (; j < outputs; j++) {
        if (given == null) {
          residuals(chunk, j, block, r, row);
        } else {
          gather(block, row, r);
        }
        zeroFillings(block, r, 0);
        RowKernelsF64.accumulate(block, cols, r, memory, sumsAt + j * outputBytes);
      }
      pending += rows;
      if (flushes && pending >= FLUSH_ROWS) {
        flush(sumsAt);
        pending = 0;
      }
    }
    if (flushes) {
      flush(sumsAt);
    }
  }

  /** Weights of rows that do not exist are zero. */
  private static void zeroFillings(RowBlock block, double[] r, int from) {
    for (int i = block.firstFilling; i < block.filled; i++) {
      if (block.row[i] >= block.count) {
        r[from + i] = 0;
      }
    }
  }

  /**
   * Outputs from {@code first}, as many as there are of four; the last one stands in for others.
   */
  private void fourOutputs(
      int chunk, int first, RowBlock block, double[] r, long row, long sumsAt) {
    int n = Math.min(OutputRowsF64.OUTPUTS, outputs - first);
    long[] wAt = weightsAt[chunk];
    for (int q = 0; q < OutputRowsF64.OUTPUTS; q++) {
      int j = first + Math.min(q, n - 1);
      wAt[q] = w.byteOffset() + j * w.cols() * LanesF64.BYTES;
    }
    RowKernelsF64.dots4(block, x.cols(), w.segment(), wAt, r, PITCH);
    for (int q = 0; q < n; q++) {
      subtractTarget(chunk, first + q, block, r, q * PITCH, row);
      zeroFillings(block, r, q * PITCH);
    }
    for (int q = n; q < OutputRowsF64.OUTPUTS; q++) {
      Arrays.fill(r, q * PITCH, (q + 1) * PITCH, 0);
    }
    RowKernelsF64.accumulate4(
        block, x.cols(), r, PITCH, memory, sumsAt + first * outputBytes, outputBytes);
  }

  private void residuals(int chunk, int j, RowBlock block, double[] r, long row) {
    long wAt = w.byteOffset() + j * w.cols() * LanesF64.BYTES;
    block.locateWeights(w.segment(), wAt, x.cols());
    RowKernelsF64.dots(block, x.cols(), w.segment(), wAt, r);
    subtractTarget(chunk, j, block, r, 0, row);
  }

  private void subtractTarget(int chunk, int j, RowBlock block, double[] r, int from, long row) {
    double intercept =
        b == null
            ? 0
            : b.segment().get(ValueLayout.JAVA_DOUBLE, b.byteOffset() + (long) j * LanesF64.BYTES);
    if (rowLoss != null) {
      double shift = intercept;
      LossBlock rows = lossBlocks[chunk];
      for (int i = 0; i < block.filled; i++) {
        rows.z[i] = r[from + i] + shift;
      }
      rows.locate(block, y, index, rowLoss, j, row);
      squareSums[chunk][j] += rowLoss.loss().differentiate(rows.z, rows.y, rows.s, block.filled);
      double sum = 0;
      for (int i = 0; i < block.filled; i++) {
        sum += rows.z[i];
        r[from + i] = narrow(rows.z[i]);
      }
      residualSums[chunk][j] += sum;
      return;
    }
    subtract(r, from, intercept, block, y, index, j, row);
    if (wantsSums) {
      sumResiduals(chunk, j, block, r, from);
    }
  }

  /**
   * {@code r += intercept - y_j}. In one method, and unrolled, so that it is too large to be
   * inlined into its caller, where the compiler runs out of budget and boxes; element by element
   * 256 x 64 took 1.64 us instead of 1.55.
   */
  private static void subtract(
      double[] r,
      int from,
      double intercept,
      RowBlock block,
      Tensor y,
      Tensor index,
      int j,
      long row) {
    MemorySegment ys = y.segment();
    long yBytes = y.rowStride() * LanesF64.BYTES;
    long start = y.byteOffset() + (long) j * LanesF64.BYTES;
    int i = 0;
    if (index == null && block.isInOrder && yBytes == LanesF64.BYTES) {
      DoubleVector shift = broadcast(SPECIES, intercept);
      int n = block.count;
      long yAt = start + row * LanesF64.BYTES;
      int at = from;
      for (; i <= n - 4 * LanesF64.COUNT; i += 4 * LanesF64.COUNT) {
        DoubleVector.fromArray(SPECIES, r, at)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt, ORDER))
            .intoArray(r, at);
        DoubleVector.fromArray(SPECIES, r, at + LanesF64.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + STRIDE, ORDER))
            .intoArray(r, at + LanesF64.COUNT);
        DoubleVector.fromArray(SPECIES, r, at + 2 * LanesF64.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + 2 * STRIDE, ORDER))
            .intoArray(r, at + 2 * LanesF64.COUNT);
        DoubleVector.fromArray(SPECIES, r, at + 3 * LanesF64.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + 3 * STRIDE, ORDER))
            .intoArray(r, at + 3 * LanesF64.COUNT);
        at += 4 * LanesF64.COUNT;
        yAt += 4 * STRIDE;
      }
      for (; i <= n - LanesF64.COUNT; i += LanesF64.COUNT) {
        DoubleVector.fromArray(SPECIES, r, at)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt, ORDER))
            .intoArray(r, at);
        at += LanesF64.COUNT;
        yAt += STRIDE;
      }
    }
    int last = block.count - 1;
    for (; i < block.filled; i++) {
      long position = RowBlock.row(index, row + Math.min(block.row[i], last));
      double target = ys.get(ValueLayout.JAVA_DOUBLE, start + position * yBytes);
      r[from + i] = r[from + i] + intercept - target;
    }
  }

  /** Squares are in double precision: those of F64 residuals overflow beyond 1e19. */
  private void sumResiduals(int chunk, int j, RowBlock block, double[] r, int from) {
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < block.filled; i++) {
      if (block.row[i] < block.count) {
        double residual = r[from + i];
        sum += residual;
        squares += residual * residual;
      }
    }
    residualSums[chunk][j] += sum;
    squareSums[chunk][j] += squares;
  }

  /** The given weights of the block's rows, in the order of its groups. */
  private void gather(RowBlock block, long row, double[] to) {
    MemorySegment weights = given.segment();
    long start = given.byteOffset() + row * LanesF64.BYTES;
    int last = block.count - 1;
    for (int i = 0; i < block.filled; i++) {
      long position = Math.min(block.row[i], last);
      to[i] = weights.get(ValueLayout.JAVA_DOUBLE, start + position * LanesF64.BYTES);
    }
  }

  private void clear(long sumsAt) {
    for (long o = 0; o < chunkBytes; o += Double.BYTES) {
      memory.set(ValueLayout.JAVA_DOUBLE, sumsAt + o, 0.0);
    }
  }

  /** Adds a chunk's sums to its totals and clears them. */
  private void flush(long sumsAt) {
    long cells = sumsBytes / LanesF64.BYTES;
    long totalsAt = sumsAt + sumsBytes;
    for (long i = 0; i < cells; i++) {
      long at = totalsAt + i * Double.BYTES;
      double total = memory.get(ValueLayout.JAVA_DOUBLE, at);
      double sum = memory.get(ValueLayout.JAVA_DOUBLE, sumsAt + i * LanesF64.BYTES);
      memory.set(ValueLayout.JAVA_DOUBLE, at, total + sum);
      memory.set(ValueLayout.JAVA_DOUBLE, sumsAt + i * LanesF64.BYTES, 0);
    }
  }

  /** Adds the totals of all chunks to those of the first, in order. */
  private void combine() {
    long bytes = sumsBytes / LanesF64.BYTES * Double.BYTES;
    for (int chunk = 1; chunk < chunks; chunk++) {
      long from = chunk * chunkBytes + sumsBytes;
      for (long o = 0; o < bytes; o += Double.BYTES) {
        double sum =
            memory.get(ValueLayout.JAVA_DOUBLE, sumsBytes + o)
                + memory.get(ValueLayout.JAVA_DOUBLE, from + o);
        memory.set(ValueLayout.JAVA_DOUBLE, sumsBytes + o, sum);
      }
    }
  }

  /** {@code out = scale * (sums of output j) + beta * out}. */
  private void write(int j, double scale, double beta, MemorySegment out, long outAt) {
    long cols = x.cols();
    if (!flushes && beta == 0) {
      writeSums(j * outputBytes, scale, cols, out, outAt);
      return;
    }
    for (long f = 0; f < cols; f++) {
      double total = cell(j * outputBytes / LanesF64.BYTES + f);
      long at = outAt + f * LanesF64.BYTES;
      double old = beta == 0 ? 0 : beta * out.get(ValueLayout.JAVA_DOUBLE, at);
      out.set(ValueLayout.JAVA_DOUBLE, at, narrow(scale * total + old));
    }
  }

  private double cell(long cell) {
    return flushes
        ? memory.get(ValueLayout.JAVA_DOUBLE, sumsBytes + cell * Double.BYTES)
        : memory.get(ValueLayout.JAVA_DOUBLE, cell * LanesF64.BYTES);
  }

  private void writeSums(long sumsAt, double scale, long cols, MemorySegment out, long outAt) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    long whole = (cols & -LanesF64.COUNT) * LanesF64.BYTES;
    for (long o = 0; o < whole; o += (long) LanesF64.COUNT * LanesF64.BYTES) {
      fromMemorySegment(SPECIES, memory, sumsAt + o, ORDER)
          .mul(factor)
          .intoMemorySegment(out, outAt + o, ORDER);
    }
    if (whole < cols * LanesF64.BYTES) {
      fromMemorySegment(SPECIES, memory, sumsAt + whole, ORDER)
          .mul(factor)
          .intoMemorySegment(last, 0, ORDER);
      MemorySegment.copy(last, 0, out, outAt + whole, cols * LanesF64.BYTES - whole);
    }
  }

  @Override
  public void close() {
    scratch.close();
  }
}
