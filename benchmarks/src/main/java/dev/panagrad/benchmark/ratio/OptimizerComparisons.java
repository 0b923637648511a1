package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** Optimizer steps over flat F32 parameters. */
final class OptimizerComparisons {
  private OptimizerComparisons() {}

  /** Few parameters on one thread: what a call costs. */
  static Comparison inCache(StepRule rule, long count, double torchGoal) {
    return of(rule, "%,d".formatted(count), count, 1, torchGoal, false);
  }

  /** More parameters than caches hold: what the memory can do. */
  static Comparison inMemory(StepRule rule, long millions, int threads, double torchGoal) {
    return of(rule, millions + " M", millions << 20, threads, torchGoal, true);
  }

  private static Comparison of(
      StepRule rule, String size, long count, int threads, double torchGoal, boolean ceiling) {
    TensorArena memory = TensorArena.open(rule.title);
    Tensor gradient = RandomValues.tensor(memory, "g", StepData.GRADIENT_SEED, count);
    List<Rival> rivals = new ArrayList<>();
    rivals.add(
        new Rival(
            "PyTorch",
            rule == StepRule.RMSPROP ? "unfused" : "fused",
            torchGoal,
            () -> new Torch(data(rule, memory, gradient), threads)));
    if (ceiling) {
      rivals.add(
          new Rival(
              "ceiling",
              "",
              0.95,
              () -> CeilingProbe.step(rule.slots, count, gradient, memory, threads)));
    }
    String work =
        "%s f32 %s, %d thread%s".formatted(rule.title, size, threads, threads == 1 ? "" : "s");
    return new Comparison(
        work, threads, memory, () -> new Ours(rule, memory, gradient, threads), rivals);
  }

  private static StepData data(StepRule rule, TensorArena memory, Tensor gradient) {
    List<Tensor> slots = new ArrayList<>();
    for (int i = 0; i < rule.slots; i++) {
      slots.add(memory.allocate("torch s" + i, DType.F32, gradient.count()));
    }
    StepData data =
        new StepData(
            rule, memory.allocate("torch p", DType.F32, gradient.count()), gradient, slots);
    data.reset();
    return data;
  }

  private static final class Ours extends StepContender {
    private final Backend backend;
    private final Optimizer optimizer;
    private final Tensor gradient;
    private final StepData data;

    Ours(StepRule rule, TensorArena memory, Tensor gradient, int threads) {
      this.gradient = gradient;
      backend = OurBackend.open(threads);
      Parameters parameters =
          Parameters.layout().add("p", gradient.count()).allocate(memory, "p", DType.F32);
      optimizer = Optimizer.of(rule.ours).build(parameters, backend, memory);
      data = new StepData(rule, parameters.flat(), gradient, optimizer.state());
      data.reset();
    }

    @Override
    public void repeat(long times) {
      for (long i = 0; i < times; i++) {
        optimizer.step(gradient);
      }
    }

    @Override
    StepData data() {
      return data;
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

  private static final class Torch extends StepContender {
    private final StepData data;
    private final TorchPeer.StepCall call;

    Torch(StepData data, int threads) {
      this.data = data;
      call = TorchPeer.steps(data, threads);
    }

    @Override
    public void repeat(long times) {
      call.repeat(times);
    }

    @Override
    StepData data() {
      return data;
    }

    @Override
    void forgetSteps() {
      call.forgetSteps();
    }
  }
}
