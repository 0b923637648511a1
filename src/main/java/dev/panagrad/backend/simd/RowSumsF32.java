package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

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
 * One output of the squared error over narrow rows is one loop: {@link FusedRowsF32}.
 *
 * <p>Sums are kept in the element type for {@link #FLUSH_ROWS} rows and then added to F64 totals.
 * Rows are cut into chunks whose number depends on the sizes and on whether there is an index; each
 * has totals of its own, which are added in order at the end: {@link RowTotalsF32}.
 *
 * <p>Threading: calls take turns by the pool's lock.
 */
final class RowSumsF32 implements WorkerPool.ChunkTask, AutoCloseable {
  /** Rows summed in the element type: 256 terms lose at most 8 bits, half that on average. */
  private static final int FLUSH_ROWS = 256;

  // Chunks at most: two for each of 64 threads. Totals of a chunk take 12 bytes for a column, and
  // its rows 256 or more.
  private static final int MAX_CHUNKS = 128;
  // Rows per chunk, at least: adding a chunk's totals then costs less than a tenth of computing
  // them.
  private static final int CHUNK_ROWS = 64;
  // Cost of a chunk, at least, in bytes of X in order times outputs.
  private static final long CHUNK_COST = 128 * 1024;
  // Cost below which waking a worker takes longer than it saves.
  private static final long WAKING_COST = 2 * 1024 * 1024;
  // Narrow rows from anywhere in memory cost as much as that many times their bytes in order.
  private static final long ANYWHERE = 4;
  private static final long NARROW_BYTES = 1024;

  private static final long STRIDE = (long) LanesF32.COUNT * LanesF32.BYTES;
  // Elements from the residuals of one output to those of the next.
  private static final int PITCH = RowBlock.MAX_ROWS + LanesF32.COUNT;

  private final WorkerPool pool;
  private final RowTotalsF32 totals;
  // Of each thread, in whose cache they stay.
  private final RowBlock[] blocks;
  private final float[][] weight;
  private final long[][] weightsAt;
  private final LossBlock[] lossBlocks;
  private final FusedSumsF32[] fusedSums;
  private double[][] residualSums = new double[MAX_CHUNKS][1];
  private double[][] squareSums = new double[MAX_CHUNKS][1];

  private Tensor x;
  private long first;
  private long count;
  private int outputs;
  private int chunks;
  private boolean wantsSums;
  private boolean isFused;

  // Of a gradient; order is null for rows in order, loss where the plain squared error's loop is
  // used.
  private DenseRows rows;
  private Batch order;
  private Loss loss;
  private Linear model;
  // The weights of a product, or null for a gradient.
  private Tensor given;

  RowSumsF32(WorkerPool pool, Arena arena) {
    this.pool = pool;
    int threads = pool.threads();
    blocks = new RowBlock[threads];
    lossBlocks = new LossBlock[threads];
    fusedSums = new FusedSumsF32[threads];
    weight = new float[threads][OutputRowsF32.OUTPUTS * PITCH];
    weightsAt = new long[threads][OutputRowsF32.OUTPUTS];
    for (int t = 0; t < threads; t++) {
      blocks[t] = new RowBlock(arena, LanesF32.COUNT, LanesF32.BYTES);
      lossBlocks[t] = new LossBlock(arena);
      fusedSums[t] = new FusedSumsF32();
    }
    totals = new RowTotalsF32(arena);
  }

  /** {@link dev.panagrad.backend.LinearAlgebra#gradient}. */
  void gradient(Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    pool.acquire();
    try {
      rows = batch.rows();
      order = batch.index() == null ? null : batch;
      boolean isPlain = loss instanceof Squared && rows.isPlain();
      this.loss = isPlain ? null : loss;
      this.model = model;
      wantsSums = into.gb() != null || into.loss() != null;
      sum(rows.x(), first, count, Math.toIntExact(model.outputs()), isShareable(batch, model));
      write(into, (isPlain ? 2.0 : 1.0) / count);
    } finally {
      forget();
      pool.release();
    }
  }

  private void write(Gradient into, double scale) {
    Tensor gw = into.gw();
    Tensor gb = into.gb();
    Tensor values = into.loss();
    for (int j = 0; j < outputs; j++) {
      long at = gw.byteOffset() + j * gw.cols() * LanesF32.BYTES;
      totals.write(j, scale, 0, gw.segment(), at);
      double residuals = 0;
      double squares = 0;
      for (int chunk = 0; wantsSums && chunk < chunks; chunk++) {
        residuals += residualSums[chunk][j];
        squares += squareSums[chunk][j];
      }
      if (gb != null) {
        Cells.set(gb, j, scale * residuals);
      }
      if (values != null) {
        Cells.set(values, j, squares / count);
      }
    }
  }

  /** {@code out = alpha * X^T given + beta * out}. */
  void transposedProduct(double alpha, Tensor x, Tensor given, double beta, Tensor out) {
    pool.acquire();
    try {
      this.given = given;
      wantsSums = false;
      sum(x, 0, x.rows(), 1, given.isShareable());
      totals.write(0, alpha, beta, out.segment(), out.byteOffset());
    } finally {
      forget();
      pool.release();
    }
  }

  /** Whether worker threads may read everything but X. */
  static boolean isShareable(Batch batch, Linear model) {
    DenseRows rows = batch.rows();
    return rows.y().isShareable()
        && model.w().isShareable()
        && isShareable(model.b())
        && isShareable(batch.index())
        && isShareable(rows.weights())
        && isShareable(rows.offset());
  }

  static boolean isShareable(Tensor t) {
    return t == null || t.isShareable();
  }

  private void forget() {
    rows = null;
    order = null;
    loss = null;
    model = null;
    x = null;
    given = null;
  }

  private void sum(Tensor x, long first, long count, int outputs, boolean shareable) {
    this.x = x;
    this.first = first;
    this.count = count;
    this.outputs = outputs;
    long cols = x.cols();
    long rowBytes = Math.max(1, cols * LanesF32.BYTES);
    boolean isAnywhere = order != null && rowBytes <= NARROW_BYTES;
    long rowCost = rowBytes * outputs * (isAnywhere ? ANYWHERE : 1);
    chunks = chunks(rowCost, count);
    isFused = given == null && loss == null && outputs == 1 && FusedRowsF32.fits(cols);
    totals.prepare(cols, outputs, chunks, chunks > 1 || count > FLUSH_ROWS);
    if (residualSums[0].length < outputs) {
      double[][] squares = new double[MAX_CHUNKS][outputs];
      residualSums = new double[MAX_CHUNKS][outputs];
      squareSums = squares;
    }
    if (rowCost < WAKING_COST / Math.max(1, count) && shareable && x.isShareable()) {
      pool.runBrief(this, chunks);
    } else {
      pool.run(this, chunks, shareable && x.isShareable());
    }
    totals.combine();
  }

  private static int chunks(long rowCost, long count) {
    long chunkRows = Math.max(CHUNK_ROWS, CHUNK_COST / rowCost);
    return Math.clamp(count / chunkRows, 1, MAX_CHUNKS);
  }

  @Override
  public void run(int chunk, int worker) {
    long from = first + count * chunk / chunks;
    long to = first + count * (chunk + 1) / chunks;
    long sumsAt = totals.begin(chunk);
    if (wantsSums) {
      Arrays.fill(residualSums[chunk], 0, outputs, 0);
      Arrays.fill(squareSums[chunk], 0, outputs, 0);
    }
    int blockRows = RowKernelsF32.blockRows(x.cols());
    long pending = 0;
    RowBlock block = blocks[worker];
    FusedSumsF32 fused = fusedSums[worker];
    if (isFused) {
      fused.begin(model);
    }
    for (long row = from; row < to; row += blockRows) {
      int n = (int) Math.min(blockRows, to - row);
      block.gather(x, order, row, n);
      if (isFused) {
        fused.add(block, rows.y());
        if (wantsSums) {
          sumResiduals(chunk, 0, block, fused.r, 0);
        }
      } else {
        eachOutput(chunk, worker, sumsAt);
      }
      pending += n;
      if ((totals.flushes && pending >= FLUSH_ROWS) || row + n == to) {
        if (isFused) {
          fused.drain(totals.memory, sumsAt);
        }
        if (totals.flushes) {
          totals.flush(sumsAt);
        }
        pending = 0;
      }
    }
  }

  private void eachOutput(int chunk, int worker, long sumsAt) {
    long cols = x.cols();
    RowBlock block = blocks[worker];
    float[] r = weight[worker];
    int j = 0;
    while (given == null && outputs - j > 1 && cols <= RowKernelsF32.SEGMENT) {
      fourOutputs(chunk, worker, j, r, sumsAt);
      j += Math.min(OutputRowsF32.OUTPUTS, outputs - j);
    }
    for (; j < outputs; j++) {
      if (given == null) {
        residuals(chunk, worker, j, r);
      } else {
        copyGiven(block, r);
        zeroFillings(block, r, 0);
      }
      long at = sumsAt + j * totals.outputBytes;
      RowKernelsF32.accumulate(block, cols, r, totals.memory, at);
    }
  }

  /** Weights of rows that do not exist are zero. */
  private static void zeroFillings(RowBlock block, float[] r, int from) {
    for (int i = block.firstFilling; i < block.filled; i++) {
      if (block.row[i] >= block.count) {
        r[from + i] = 0;
      }
    }
  }

  /** Outputs from {@code first}, as many of four as there are; the last stands in for others. */
  private void fourOutputs(int chunk, int worker, int first, float[] r, long sumsAt) {
    RowBlock block = blocks[worker];
    Tensor w = model.w();
    int n = Math.min(OutputRowsF32.OUTPUTS, outputs - first);
    long[] wAt = weightsAt[worker];
    for (int q = 0; q < OutputRowsF32.OUTPUTS; q++) {
      int j = first + Math.min(q, n - 1);
      wAt[q] = w.byteOffset() + j * w.cols() * LanesF32.BYTES;
    }
    RowKernelsF32.dots4(block, x.cols(), w.segment(), wAt, r, PITCH);
    for (int q = 0; q < n; q++) {
      subtractTarget(chunk, worker, first + q, r, q * PITCH);
    }
    for (int q = n; q < OutputRowsF32.OUTPUTS; q++) {
      Arrays.fill(r, q * PITCH, (q + 1) * PITCH, 0);
    }
    long stride = totals.outputBytes;
    RowKernelsF32.accumulate4(
        block, x.cols(), r, PITCH, totals.memory, sumsAt + first * stride, stride);
  }

  private void residuals(int chunk, int worker, int j, float[] r) {
    RowBlock block = blocks[worker];
    Tensor w = model.w();
    long wAt = w.byteOffset() + j * w.cols() * LanesF32.BYTES;
    block.locateWeights(w.segment(), wAt, x.cols());
    RowKernelsF32.dots(block, x.cols(), w.segment(), wAt, r);
    subtractTarget(chunk, worker, j, r, 0);
  }

  private void subtractTarget(int chunk, int worker, int j, float[] r, int from) {
    RowBlock block = blocks[worker];
    Tensor b = model.b();
    float intercept = b == null ? 0 : narrow(Cells.get(b, j));
    if (loss != null) {
      double shift = intercept;
      LossBlock cells = lossBlocks[worker];
      for (int i = 0; i < block.filled; i++) {
        cells.z[i] = r[from + i] + shift;
      }
      float[] y = fusedSums[worker].y;
      FusedSumsF32.readTargets(block, rows.y(), j, y);
      for (int i = 0; i < block.filled; i++) {
        cells.y[i] = y[i];
      }
      cells.addRows(block, rows);
      squareSums[chunk][j] += cells.differentiate(loss, block.filled);
      for (int i = 0; i < block.filled; i++) {
        r[from + i] = narrow(cells.z[i]);
      }
      zeroFillings(block, r, from);
      residualSums[chunk][j] += cells.sum(block.filled);
      return;
    }
    subtract(r, from, intercept, block, rows.y(), j);
    zeroFillings(block, r, from);
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
      float[] r, int from, float intercept, RowBlock block, Tensor y, int j) {
    MemorySegment ys = y.segment();
    long yBytes = y.rowStride() * LanesF32.BYTES;
    long start = y.byteOffset() + (long) j * LanesF32.BYTES;
    int i = 0;
    if (block.isRun() && yBytes == LanesF32.BYTES) {
      FloatVector shift = broadcast(SPECIES, intercept);
      int n = block.count;
      long yAt = start + block.first * LanesF32.BYTES;
      int at = from;
      for (; i <= n - 4 * LanesF32.COUNT; i += 4 * LanesF32.COUNT) {
        FloatVector.fromArray(SPECIES, r, at)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt, ORDER))
            .intoArray(r, at);
        FloatVector.fromArray(SPECIES, r, at + LanesF32.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + STRIDE, ORDER))
            .intoArray(r, at + LanesF32.COUNT);
        FloatVector.fromArray(SPECIES, r, at + 2 * LanesF32.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + 2 * STRIDE, ORDER))
            .intoArray(r, at + 2 * LanesF32.COUNT);
        FloatVector.fromArray(SPECIES, r, at + 3 * LanesF32.COUNT)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt + 3 * STRIDE, ORDER))
            .intoArray(r, at + 3 * LanesF32.COUNT);
        at += 4 * LanesF32.COUNT;
        yAt += 4 * STRIDE;
      }
      for (; i <= n - LanesF32.COUNT; i += LanesF32.COUNT) {
        FloatVector.fromArray(SPECIES, r, at)
            .add(shift)
            .sub(fromMemorySegment(SPECIES, ys, yAt, ORDER))
            .intoArray(r, at);
        at += LanesF32.COUNT;
        yAt += STRIDE;
      }
    }
    for (; i < block.filled; i++) {
      float target = ys.get(ValueLayout.JAVA_FLOAT, start + block.number(i) * yBytes);
      r[from + i] = r[from + i] + intercept - target;
    }
  }

  /**
   * Squares are in double precision: those of F32 residuals overflow beyond 1e19. Four sums of
   * each, because one addition waits for the last; where a group was filled up residuals are zero.
   */
  private void sumResiduals(int chunk, int j, RowBlock block, float[] r, int from) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    double squares0 = 0;
    double squares1 = 0;
    double squares2 = 0;
    double squares3 = 0;
    for (int i = from; i < from + block.filled; i += 4) {
      double r0 = r[i];
      double r1 = r[i + 1];
      double r2 = r[i + 2];
      double r3 = r[i + 3];
      sum0 += r0;
      sum1 += r1;
      sum2 += r2;
      sum3 += r3;
      squares0 += r0 * r0;
      squares1 += r1 * r1;
      squares2 += r2 * r2;
      squares3 += r3 * r3;
    }
    residualSums[chunk][j] += sum0 + sum1 + (sum2 + sum3);
    squareSums[chunk][j] += squares0 + squares1 + (squares2 + squares3);
  }

  /** The given weights of the block's rows, in the order of its groups. */
  private void copyGiven(RowBlock block, float[] to) {
    MemorySegment weights = given.segment();
    long start = given.byteOffset();
    for (int i = 0; i < block.filled; i++) {
      to[i] = weights.get(ValueLayout.JAVA_FLOAT, start + block.number(i) * LanesF32.BYTES);
    }
  }

  @Override
  public void close() {
    totals.close();
  }
}
