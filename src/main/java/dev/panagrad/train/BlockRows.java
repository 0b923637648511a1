package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.BlockOrder;
import dev.panagrad.data.Dataset;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.function.LongConsumer;

/** Rows of a mapped file of which a part is in memory at a time; see {@link BlockOrder}. */
final class BlockRows extends TrainingRows {
  private final Dataset data;
  private final Backend backend;
  private final Standardization standardization;
  private final BlockOrder order;
  private final boolean isShuffled;
  private final long memory;
  private final String fingerprint;
  private final Tensor x;
  private final Tensor y;
  private final Tensor index;

  /** {@link BlockOrder#changes} when the index was copied to the device. */
  private long copied;

  private BlockRows(
      Trainer options, TrainingFile file, BlockOrder order, Backend backend, TensorArena arena) {
    super(options, file.dataset(), order.trainedRows());
    if (options.gram) {
      throw new IllegalArgumentException(
          "Gram mode reads all rows at once; train without a limit of data in memory, or without Gram mode");
    }
    data = file.dataset();
    this.backend = backend;
    this.order = order;
    standardization = file.standardization();
    isShuffled = isShuffled(options);
    memory = options.dataMemory;
    fingerprint = file.fingerprint();
    Backend.Rows placed = backend.placeRows(arena, data.x(), data.y());
    x = placed.x();
    y = placed.y();
    index = x.isHost() ? order.index() : backend.place(arena, order.index());
  }

  /**
   * Checks options against the file.
   *
   * @throws IllegalArgumentException if one does not fit
   */
  static BlockRows of(Trainer options, TrainingFile file, Backend backend, TensorArena arena) {
    BlockOrder order =
        new BlockOrder(
            arena,
            file.rows(),
            options.dataMemory / 2, // as much again is being read ahead
            options.batchSize == Trainer.FULL_BATCH ? file.rows().rows() : options.batchSize,
            options.validationFraction,
            options.seed,
            isShuffled(options));
    return new BlockRows(options, file, order, backend, arena);
  }

  private static boolean isShuffled(Trainer options) {
    return options.shuffle && options.batchSize != Trainer.FULL_BATCH;
  }

  @Override
  Standardization standardization() {
    return standardization;
  }

  @Override
  void begin(long epoch) {
    order.begin(epoch);
  }

  @Override
  long contiguousFrom(long first, long count) {
    return order.contiguousFrom(first, count);
  }

  @Override
  void computeGradient(LinearRegression regression, long first, long count, Tensor loss) {
    long at = order.locate(first, count);
    if (index != order.index() && copied != order.changes()) {
      backend.copy(order.index(), index);
      copied = order.changes();
    }
    regression.computeGradient(x, y, index, at, count, loss);
  }

  @Override
  double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts) {
    double[] losses = new double[data.targets().size()];
    long rows = isHeldOut ? heldOut() : trained();
    long[] before = new long[1];
    order.visit(
        isHeldOut,
        (first, count) -> {
          regression.computeGradient(x, y, null, first, count, log.next(count));
          log.read();
          for (int j = 0; j < losses.length; j++) {
            losses[j] += log.loss(0, j) * count / rows;
          }
          if (parts != null) {
            parts.add(count, before[0], rows);
            before[0] += count;
          }
        });
    return losses;
  }

  @Override
  NormalEquations normalEquations(Backend host, TensorArena arena, boolean intercept) {
    throw new IllegalStateException("refused before");
  }

  @Override
  void visitTrained(LongConsumer visitor) {
    order.visit(
        false,
        (first, count) -> {
          for (long row = first; row < first + count; row++) {
            visitor.accept(row);
          }
        });
  }

  @Override
  String order() {
    return (isShuffled ? "shuffled by blocks, " : "in their order, ") + memory + " bytes in memory";
  }

  @Override
  String fingerprint() {
    return fingerprint;
  }
}
