package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.data.RowOrder;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** Whole epochs of Adam on a linear model, F32, one output, without intercept and loss. */
final class EpochComparisons {
  private static final long ROWS = 1_000_000;
  private static final long FEATURES = 64;

  private EpochComparisons() {}

  /** Batches are the rows as they lie in memory. */
  static Comparison inOrder(int threads, long batch, double byHandGoal, double autogradGoal) {
    TensorArena memory = TensorArena.open("epoch");
    EpochData data = EpochData.of(memory, ROWS, FEATURES, batch, false);
    List<Rival> rivals = new ArrayList<>();
    addByHand(rivals, data, memory, threads, byHandGoal);
    rivals.add(
        new Rival(
            "PyTorch", "autograd", autogradGoal, () -> TorchEpoch.autograd(data, memory, threads)));
    return of("in order", data, memory, threads, rivals);
  }

  /**
   * Batches are rows from anywhere, by their numbers. Each epoch makes an order, and takes the
   * given one, so that results can be checked.
   */
  static Comparison shuffled(int threads, long batch, double byHandGoal) {
    TensorArena memory = TensorArena.open("epoch");
    EpochData data = EpochData.of(memory, ROWS, FEATURES, batch, true);
    List<Rival> rivals = new ArrayList<>();
    addByHand(rivals, data, memory, threads, byHandGoal);
    return of("shuffled", data, memory, threads, rivals);
  }

  /** Both ways have the goal: the better counts. */
  private static void addByHand(
      List<Rival> rivals, EpochData data, TensorArena memory, int threads, double goal) {
    rivals.add(new Rival("PyTorch", "mv", goal, () -> TorchEpoch.byMv(data, memory, threads)));
    rivals.add(new Rival("PyTorch", "mm", goal, () -> TorchEpoch.byMm(data, memory, threads)));
  }

  private static Comparison of(
      String order, EpochData data, TensorArena memory, int threads, List<Rival> rivals) {
    return new Comparison(
        "epoch f32 %,d x %,d by %,d, Adam, %s, %s"
            .formatted(ROWS, FEATURES, data.batch(), order, Comparison.threadCount(threads)),
        threads,
        memory,
        () -> new Ours(data, memory, threads),
        rivals);
  }

  private static final class Ours extends EpochContender {
    private final EpochData data;
    private final Backend backend;
    private final LinearAlgebra linear;
    private final Parameters parameters;
    private final Parameters gradient;
    private final Tensor weights;
    private final Batch batch;
    private final Linear model;
    private final Gradient into;
    private final Loss loss = new Squared();
    private final RowOrder order; // null where rows are taken as they lie
    private long epoch;
    private final Optimizer optimizer;

    Ours(EpochData data, TensorArena memory, int threads) {
      super(data);
      this.data = data;
      backend = OurBackend.open(threads);
      linear = backend.linear();
      parameters = Parameters.layout().add("w", 1, FEATURES).allocate(memory, "p", DType.F32);
      gradient = parameters.like(memory, "g");
      weights = parameters.view("w");
      batch = new Batch(new DenseRows(data.x(), data.y()), data.order());
      model = new Linear(weights, null);
      into = new Gradient(gradient.view("w"), null, null);
      optimizer = Optimizer.of(Adam.of(1e-3)).build(parameters, backend, memory);
      order = data.order() == null ? null : RowOrder.of(memory, data.x().rows(), 0, 1);
      data.reset(weights, state());
    }

    @Override
    public void repeat(long times) {
      long rows = data.x().rows();
      for (long i = 0; i < times; i++) {
        if (order != null) {
          order.shuffle(epoch++, backend::share);
        }
        for (long first = 0; first < rows; first += data.batch()) {
          long count = Math.min(data.batch(), rows - first);
          linear.gradient(batch, first, count, loss, model, into);
          optimizer.step(gradient);
        }
      }
    }

    @Override
    Tensor weights() {
      return weights;
    }

    @Override
    List<Tensor> state() {
      return optimizer.state();
    }

    @Override
    void forgetSteps() {
      optimizer.resumeAt(0);
    }

    @Override
    public void close() {
      backend.close();
    }
  }
}
