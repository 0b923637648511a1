package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.data.RowOrder;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.function.LongConsumer;

/** Rows in memory, or in a mapped file that is taken to be: visited in any order. */
final class InMemoryRows extends TrainingRows {
  private final boolean isShuffled;
  private final RowOrder order; // null where rows are visited as they lie
  private Backend backend;
  private Batch batch;

  InMemoryRows(RowPlan plan, RowSource source, Tensor weights, long used, TensorArena arena) {
    super(plan, source, used - plan.heldOut(used), plan.heldOut(used), weights);
    isShuffled = plan.isShuffled() && batchSize() < trained();
    boolean isOrdered = trained() < data().rows() || isShuffled;
    order = isOrdered ? RowOrder.of(arena, data().rows(), weights, heldOut(), plan.seed()) : null;
  }

  private Tensor numbers() {
    return order == null ? null : order.index();
  }

  /** The training rows as they lie; null if they are all rows. */
  private Tensor sorted() {
    return order == null ? null : order.sorted();
  }

  @Override
  public Standardization moments(Backend host, boolean isShifted, Tensor weights) {
    DenseRows rows = new DenseRows(data().x(), data().y(), weights, null);
    return Standardization.fit(host, new Batch(rows, sorted()), trained(), isShifted);
  }

  @Override
  void place(Backend computing, TensorArena arena, DenseRows placed) {
    backend = computing;
    // Rows that stay in host memory are gathered there, by row numbers beside them.
    boolean stays = order == null || placed.x().isHost();
    batch = new Batch(placed, stays ? numbers() : backend.place(arena, numbers()));
  }

  @Override
  public void begin(long epoch) {
    if (isShuffled) {
      order.shuffle(epoch, backend::share);
      if (batch.index() != order.index()) {
        backend.copy(order.index(), batch.index());
      }
    }
  }

  @Override
  public long contiguousFrom(long first, long count) {
    return count;
  }

  @Override
  public void computeGradient(LinearRegression regression, long first, long count, Gradient into) {
    regression.computeGradient(batch, first, count, into);
  }

  @Override
  public double[] losses(
      LinearRegression regression, boolean isHeldOut, LossLog log, GradientParts parts) {
    long first = isHeldOut ? trained() : 0;
    long count = isHeldOut ? heldOut() : trained();
    // Where rows may lie in any order, they are read as they lie, which is fastest.
    Batch inOrder =
        isHeldOut || !batch.rows().x().isHost() ? batch : new Batch(batch.rows(), sorted());
    regression.computeGradient(inOrder, first, count, log.next(count));
    log.read();
    double[] losses = new double[data().targets().size()];
    Arrays.setAll(losses, j -> log.loss(0, j));
    return losses;
  }

  @Override
  public Batch hostBatch(TrainingLoss loss) {
    DenseRows rows = new DenseRows(data().x(), data().y(), loss.weights(), loss.offset());
    return new Batch(rows, sorted());
  }

  @Override
  public NormalEquations normalEquations(Backend host, TensorArena arena, boolean intercept) {
    // Weights are there on backends in host memory only.
    Tensor weights = batch.rows().weights();
    DenseRows rows = new DenseRows(data().x(), data().y(), weights, null);
    return NormalEquations.of(host, arena, new Batch(rows, sorted()), 0, trained(), intercept);
  }

  @Override
  public void visit(boolean isHeldOut, LongConsumer visitor) {
    Tensor rows = isHeldOut ? numbers() : sorted();
    long first = isHeldOut ? trained() : 0;
    long end = isHeldOut ? trained() + heldOut() : trained();
    for (long i = first; i < end; i++) {
      visitor.accept(rows == null ? i : rows.getLong(i));
    }
  }

  @Override
  String order() {
    return isShuffled ? order.method() : "in their order";
  }
}
