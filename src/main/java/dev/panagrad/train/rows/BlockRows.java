package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.data.BlockOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.function.LongConsumer;

/** Rows of a mapped file of which a part is in memory at a time; see {@link BlockOrder}. */
final class BlockRows extends TrainingRows {
  private final BlockOrder order;
  private Backend backend;
  private Batch batch;
  private Batch inOrder; // the rows in the order of the file
  private long copied; // BlockOrder.changes when the index was copied to the device

  BlockRows(RowPlan plan, RowSource source, BlockOrder order) {
    super(plan, source, order.trainedRows(), source.data().rows() - order.trainedRows(), null);
    this.order = order;
  }

  static BlockOrder order(RowPlan plan, RowSource source, TensorArena arena) {
    return new BlockOrder(
        arena,
        source.mapped(),
        plan.memory() / 2, // as much again is being read ahead
        plan.batchSize() == RowPlan.FULL_BATCH ? source.mapped().rows() : plan.batchSize(),
        plan.validationFraction(),
        plan.seed(),
        isShuffled(plan));
  }

  private static boolean isShuffled(RowPlan plan) {
    return plan.isShuffled() && plan.batchSize() != RowPlan.FULL_BATCH;
  }

  @Override
  public Standardization moments(Backend host, boolean isShifted, Tensor weights) {
    throw new IllegalStateException("rows of a file have their units");
  }

  @Override
  void place(Backend computing, TensorArena arena, DenseRows placed) {
    backend = computing;
    boolean isHost = placed.x().isHost();
    batch = new Batch(placed, isHost ? order.index() : backend.place(arena, order.index()));
    inOrder = new Batch(placed);
  }

  @Override
  public void begin(long epoch) {
    order.begin(epoch);
  }

  @Override
  public long contiguousFrom(long first, long count) {
    return order.contiguousFrom(first, count);
  }

  @Override
  public void computeGradient(LinearRegression regression, long first, long count, Gradient into) {
    long at = order.locate(first, count);
    if (batch.index() != order.index() && copied != order.changes()) {
      backend.copy(order.index(), batch.index());
      copied = order.changes();
    }
    regression.computeGradient(batch, at, count, into);
  }

  @Override
  public double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts) {
    double[] losses = new double[data().targets().size()];
    long rows = isHeldOut ? heldOut() : trained();
    long[] before = new long[1];
    order.visit(
        isHeldOut,
        (first, count) -> {
          regression.computeGradient(inOrder, first, count, log.next(count));
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
  public Batch hostBatch(TrainingLoss loss) {
    throw new IllegalStateException("the plan refuses what needs all rows at once");
  }

  @Override
  public NormalEquations normalEquations(Backend host, TensorArena arena, boolean intercept) {
    throw new IllegalStateException("the plan refuses normal equations of rows beyond memory");
  }

  @Override
  public void visit(boolean isHeldOut, LongConsumer visitor) {
    order.visit(
        isHeldOut,
        (first, count) -> {
          for (long row = first; row < first + count; row++) {
            visitor.accept(row);
          }
        });
  }

  @Override
  String order() {
    return (isShuffled(plan()) ? "shuffled by blocks, " : "in their order, ")
        + plan().memory()
        + " bytes in memory";
  }
}
