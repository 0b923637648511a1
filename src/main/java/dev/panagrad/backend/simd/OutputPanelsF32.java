package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The gradient of the mean squared error for many outputs: two matrix products per panel of rows,
 * between which the residuals stay in the level-3 cache.
 *
 * <pre>
 *   for each panel of 384 to 3,072 rows, whose residuals fit 2 MiB up to 1,365 outputs in F32
 *     R  = X_p W^T            gemm
 *     R += b - Y_p            and the sums of R and of its squares
 *     G += R^T X_p            gemm
 * </pre>
 *
 * G is summed in the element type for {@link #FLUSH_ROWS} rows and then added to F64 totals. Rows
 * chosen by an index are copied into a panel of their own first. {@link RowSumsF32} is faster for
 * fewer than {@link #MIN_OUTPUTS} outputs, where reading X decides and not arithmetic.
 *
 * <p>Threading: calls take turns by the pool's lock. The products, and the sums of each output, do
 * not depend on the number of threads.
 */
final class OutputPanelsF32 implements WorkerPool.ChunkTask, AutoCloseable {
  /**
   * Outputs from which two products are faster than groups of four outputs: 65,536 x 256 took 45.9
   * against 44.4 ms with 48 outputs, 51.4 against 57.4 with 64 (1 thread; 2-core AVX-512 x86,
   * 2026-11-24).
   */
  static final int MIN_OUTPUTS = 64;

  private static final long PANEL_BYTES = 2 << 20;

  // Rows of a panel, a compromise between the products, which like it deep, and the cache.
  private static final long MIN_ROWS = 384;
  private static final long MAX_ROWS = 8 * MIN_ROWS;
  // Rows summed in the element type: each product of a panel sums its rows first.
  private static final long FLUSH_ROWS = 8192;
  // Elements of a panel below which one thread handles it: waking a worker takes longer.
  private static final long SERIAL_COUNT = 1 << 16;
  // Outputs per chunk of the residuals, and rows per chunk of copying.
  private static final int CHUNK = 16;

  private final WorkerPool pool;
  private final GemmF32 gemm;
  private final Scratch residualScratch = new Scratch();
  private final Scratch rowScratch = new Scratch();
  private final Scratch sumScratch = new Scratch();
  private double[] residualSums = {};
  private double[] squareSums = {};
  // Numbers of a panel's rows, as they were when these were copied.
  private long[] rowNumbers = {};

  private Batch batch;
  private Linear model;
  private Tensor x;
  private MemorySegment residuals;
  private MemorySegment copied;
  private MemorySegment sums;
  private long panelFirst;
  private long panelRows;
  private int outputs;
  private boolean copies;
  private boolean wantsSums;

  OutputPanelsF32(WorkerPool pool, GemmF32 gemm) {
    this.pool = pool;
    this.gemm = gemm;
  }

  /** {@link dev.panagrad.backend.LinearAlgebra#gradient} of the unweighted squared loss. */
  void gradient(Batch batch, long first, long count, Linear model, Gradient into) {
    pool.acquire();
    try {
      this.batch = batch;
      this.model = model;
      x = batch.rows().x();
      outputs = Math.toIntExact(model.outputs());
      wantsSums = into.gb() != null || into.loss() != null;
      boolean shareable = x.isShareable() && RowSumsF32.isShareable(batch, model);
      long total = sum(first, count, shareable);
      write(into, total, count);
    } finally {
      this.batch = null;
      this.model = null;
      x = null;
      gemm.forget();
      pool.release();
    }
  }

  /** Returns where the F64 totals are, or -1 if the sums are those of all rows. */
  private long sum(long first, long count, boolean shareable) {
    boolean isIndexed = batch.index() != null;
    long cols = x.cols();
    long cells = outputs * cols;
    long totalsAt = Math.ceilDiv(cells * LanesF32.BYTES, 64) * 64;
    boolean flushes = count > FLUSH_ROWS;
    sums = sumScratch.atLeast(totalsAt + (flushes ? cells * Double.BYTES : 0));
    long fitting = PANEL_BYTES / ((long) outputs * LanesF32.BYTES) / MIN_ROWS * MIN_ROWS;
    long most = Math.min(count, Math.clamp(fitting, MIN_ROWS, MAX_ROWS));
    residuals = residualScratch.atLeast(most * outputs * LanesF32.BYTES);
    copied = isIndexed ? rowScratch.atLeast(most * cols * LanesF32.BYTES) : null;
    if (isIndexed && rowNumbers.length < most) {
      rowNumbers = new long[(int) most];
    }
    if (residualSums.length < outputs) {
      double[] squares = new double[outputs];
      residualSums = new double[outputs];
      squareSums = squares;
    }
    Arrays.fill(residualSums, 0);
    Arrays.fill(squareSums, 0);
    long pending = 0;
    boolean isFirstFlush = true;
    for (long done = 0; done < count; done += panelRows) {
      panelFirst = first + done;
      panelRows = Math.min(most, count - done);
      if (isIndexed) {
        copies = true;
        int chunks = (int) Math.ceilDiv(panelRows, CHUNK);
        pool.run(this, chunks, shareable && panelRows * cols > SERIAL_COUNT);
      }
      setPanel(gemm.a);
      gemm.b.set(model.w(), true);
      gemm.c.set(residuals, panelRows, outputs, LanesF32.BYTES, false);
      gemm.multiply(1, 0, shareable);
      copies = false;
      boolean shares = shareable && panelRows * outputs > SERIAL_COUNT;
      pool.run(this, Math.ceilDiv(outputs, CHUNK), shares);
      gemm.a.set(residuals, panelRows, outputs, LanesF32.BYTES, true);
      setPanel(gemm.b);
      gemm.c.set(sums, outputs, cols, LanesF32.BYTES, false);
      gemm.multiply(1, pending == 0 ? 0 : 1, shareable);
      pending += panelRows;
      if (flushes && (pending >= FLUSH_ROWS || done + panelRows == count)) {
        flush(cells, totalsAt, isFirstFlush);
        isFirstFlush = false;
        pending = 0;
      }
    }
    return flushes ? totalsAt : -1;
  }

  private void setPanel(Operand operand) {
    if (batch.index() == null) {
      operand.setRows(x, panelFirst, panelRows, false);
    } else {
      operand.set(copied, panelRows, x.cols(), LanesF32.BYTES, false);
    }
  }

  @Override
  public void run(int chunk, int worker) {
    int from = chunk * CHUNK;
    if (copies) {
      copyRows(from, (int) Math.min(CHUNK, panelRows - from));
    } else {
      subtractTargets(from, Math.min(CHUNK, outputs - from));
    }
  }

  private void copyRows(int from, int n) {
    long rowBytes = x.cols() * LanesF32.BYTES;
    for (int i = from; i < from + n; i++) {
      long row = batch.row(panelFirst + i);
      rowNumbers[i] = row;
      long at = x.byteOffset() + row * x.rowStride() * LanesF32.BYTES;
      MemorySegment.copy(x.segment(), at, copied, i * rowBytes, rowBytes);
    }
  }

  private void subtractTargets(int first, int n) {
    Tensor y = batch.rows().y();
    boolean isIndexed = batch.index() != null;
    for (long i = 0; i < panelRows; i++) {
      long row = isIndexed ? rowNumbers[(int) i] : panelFirst + i;
      long yAt = y.byteOffset() + (row * y.rowStride() + first) * LanesF32.BYTES;
      long rAt = (i * outputs + first) * LanesF32.BYTES;
      if (!wantsSums && n == CHUNK) {
        subtract(residuals, rAt, y.segment(), yAt);
      } else {
        subtractAndSum(rAt, y, yAt, first, n);
      }
    }
  }

  /** {@code r -= y} over {@link #CHUNK} elements, a multiple of every vector length. */
  private static void subtract(MemorySegment rs, long rAt, MemorySegment ys, long yAt) {
    for (int o = 0; o < CHUNK * LanesF32.BYTES; o += LanesF32.COUNT * LanesF32.BYTES) {
      fromMemorySegment(SPECIES, rs, rAt + o, ORDER)
          .sub(fromMemorySegment(SPECIES, ys, yAt + o, ORDER))
          .intoMemorySegment(rs, rAt + o, ORDER);
    }
  }

  private void subtractAndSum(long rAt, Tensor y, long yAt, int first, int n) {
    Tensor b = model.b();
    for (int j = 0; j < n; j++) {
      long o = (long) j * LanesF32.BYTES;
      float intercept = b == null ? 0 : narrow(Cells.get(b, first + j));
      float residual =
          residuals.get(ValueLayout.JAVA_FLOAT, rAt + o)
              + intercept
              - y.segment().get(ValueLayout.JAVA_FLOAT, yAt + o);
      residuals.set(ValueLayout.JAVA_FLOAT, rAt + o, residual);
      double wide = residual;
      residualSums[first + j] += wide;
      squareSums[first + j] += wide * wide;
    }
  }

  private void flush(long cells, long totalsAt, boolean isFirst) {
    for (long i = 0; i < cells; i++) {
      long at = totalsAt + i * Double.BYTES;
      double total = isFirst ? 0 : sums.get(ValueLayout.JAVA_DOUBLE, at);
      total += sums.get(ValueLayout.JAVA_FLOAT, i * LanesF32.BYTES);
      sums.set(ValueLayout.JAVA_DOUBLE, at, total);
    }
  }

  private void write(Gradient into, long totalsAt, long count) {
    double scale = 2.0 / count;
    MemorySegment out = into.gw().segment();
    long cells = into.gw().count();
    for (long i = 0; i < cells; i++) {
      double total =
          totalsAt < 0
              ? sums.get(ValueLayout.JAVA_FLOAT, i * LanesF32.BYTES)
              : sums.get(ValueLayout.JAVA_DOUBLE, totalsAt + i * Double.BYTES);
      long at = into.gw().byteOffset() + i * LanesF32.BYTES;
      out.set(ValueLayout.JAVA_FLOAT, at, narrow(scale * total));
    }
    Tensor gb = into.gb();
    Tensor loss = into.loss();
    for (int j = 0; j < outputs; j++) {
      if (gb != null) {
        Cells.set(gb, j, scale * residualSums[j]);
      }
      if (loss != null) {
        Cells.set(loss, j, squareSums[j] / count);
      }
    }
  }

  @Override
  public void close() {
    residualScratch.close();
    rowScratch.close();
    sumScratch.close();
  }
}
