package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * A training from zero parameters whose steps are made one at a time, with the batches that a
 * {@link dev.panagrad.train.Trainer} of the same seed and batch size visits.
 *
 * <p>Ownership: all memory belongs to the arena.
 */
final class SteppedTraining {
  private static final int SAMPLE_ROWS = 4096; // standard error below 2% of the deviation
  private final Backend backend;
  private final LinearRegression regression;
  private final Optimizer optimizer;
  private final long rows;
  private final long batch;
  private final RowOrder order; // null where batches hold all rows
  private final Batch ordered; // the rows in that order
  private final Batch sample; // rows evenly spaced, or all
  private final long sampleRows;
  private final Tensor hostLoss;
  private long epoch;
  private long position;

  /** On those rows, whose values must not change meanwhile; in batches of at most all of them. */
  SteppedTraining(
      Backend backend,
      TensorArena arena,
      Dataset data,
      Optimizer.Builder options,
      long batch,
      long seed) {
    this.backend = backend;
    this.batch = batch;
    rows = data.rows();
    DenseRows placed = backend.placeRows(arena, new DenseRows(data.x(), data.y()));
    regression =
        new LinearRegression(
            backend, arena, placed.dtype(), data.features().size(), data.targets().size(), true);
    optimizer = options.build(regression.parameters(), backend, arena);
    order = batch < rows ? RowOrder.of(arena, rows, 0, seed) : null;
    ordered = batchOf(placed, order == null ? null : order.index(), arena);
    sampleRows = Math.min(rows, SAMPLE_ROWS);
    sample = batchOf(placed, sampleRows < rows ? evenlySpaced(arena) : null, arena);
    hostLoss = arena.allocate("loss on the host", DType.F64, data.targets().size());
    position = rows;
    shuffle(0); // for those who look before the first step
  }

  private Tensor evenlySpaced(TensorArena arena) {
    Tensor numbers = arena.allocate("sample", DType.I64, sampleRows);
    for (long i = 0; i < sampleRows; i++) {
      numbers.setLong(i, Math.multiplyExact(i, rows) / sampleRows);
    }
    return numbers;
  }

  private Batch batchOf(DenseRows rows, Tensor numbers, TensorArena arena) {
    boolean stays = numbers == null || rows.x().isHost();
    return new Batch(rows, stays ? numbers : backend.place(arena, numbers));
  }

  long stepsPerEpoch() {
    return Math.ceilDiv(rows, batch);
  }

  void step() {
    if (position >= rows) {
      position = 0;
      shuffle(epoch++);
    }
    long count = Math.min(batch, rows - position);
    regression.computeGradient(ordered, position, count);
    optimizer.step(regression.gradient().flat());
    position += count;
  }

  private void shuffle(long number) {
    if (order != null) {
      order.shuffle(number);
      if (ordered.index() != order.index()) {
        backend.copy(order.index(), ordered.index());
      }
    }
  }

  /** The loss summed over outputs, of all rows or of an evenly spaced sample of many. */
  double loss() {
    regression.computeGradient(sample, 0, sampleRows);
    Tensor loss = regression.loss();
    if (!loss.isHost()) {
      backend.copy(loss, hostLoss);
      loss = hostLoss;
    }
    double sum = 0;
    for (long j = 0; j < loss.count(); j++) {
      sum += loss.get(j);
    }
    return sum;
  }

  GradientNoiseScale noise() {
    return GradientNoiseScale.measure(backend, regression, ordered);
  }
}
