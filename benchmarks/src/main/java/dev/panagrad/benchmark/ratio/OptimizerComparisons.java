package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** Optimizer steps over F32 parameters. */
final class OptimizerComparisons {
  /** From here on ND4J's call does not take all of its time. */
  private static final long ND4J_FROM = 1_024;

  private OptimizerComparisons() {}

  /** Few parameters on one thread: what a call costs. */
  static Comparison inCache(StepRule rule, long count, double torchGoal) {
    return of(rule, "%,d".formatted(count), 1, count, 1, torchGoal, false);
  }

  /** More parameters than caches hold: what the memory can do. */
  static Comparison inMemory(StepRule rule, long millions, int threads, double torchGoal) {
    return of(rule, millions + " M", 1, millions << 20, threads, torchGoal, true);
  }

  /** A model of many tensors: what each of them costs. */
  static Comparison manyTensors(
      StepRule rule, int tensors, long size, int threads, double torchGoal) {
    String sizes = "%,d tensors of %,d".formatted(tensors, size);
    return of(rule, sizes, tensors, size, threads, torchGoal, false);
  }

  private static Comparison of(
      StepRule rule,
      String sizes,
      int tensors,
      long size,
      int threads,
      double torchGoal,
      boolean isInMemory) {
    TensorArena memory = TensorArena.open(rule.title);
    Tensor gradient = RandomValues.tensor(memory, "g", StepData.GRADIENT_SEED, tensors * size);
    List<Rival> rivals = new ArrayList<>();
    // Where PyTorch has several forms, all have the goal: the best of them counts. Where a call is
    // what is measured, also one call per step, as a program in the JVM has to make.
    for (StepRule.TorchForm form : rule.torchForms) {
      rivals.add(
          new Rival(
              "PyTorch",
              tensors == 1 ? form.name() : form.name() + " list",
              torchGoal,
              () ->
                  new Torch(form.function(), data(rule, memory, gradient), size, threads, false)));
      if (tensors == 1 && !isInMemory) {
        rivals.add(
            new Rival(
                "PyTorch",
                form.name() + ", a call per step",
                torchGoal,
                () ->
                    new Torch(form.function(), data(rule, memory, gradient), size, threads, true)));
      }
    }
    if (tensors == 1) {
      rivals.add(
          new Rival(
              "C",
              "loop",
              Double.NaN,
              () -> CompiledPeer.steps(data(rule, memory, gradient), threads)));
    }
    if (tensors == 1 && rule == StepRule.ADAM && size >= ND4J_FROM) {
      rivals.add(
          new Rival(
              "ND4J",
              "updater",
              Double.NaN,
              () -> Nd4jPeer.adam(data(rule, memory, gradient), memory, threads)));
    }
    if (isInMemory) {
      rivals.add(
          new Rival(
              "ceiling",
              "",
              0.95,
              () -> CeilingProbe.step(rule.slots, size, gradient, memory, threads)));
    }
    return new Comparison(
        "%s f32 %s, %s".formatted(rule.title, sizes, Comparison.threadCount(threads)),
        threads,
        memory,
        () -> new Ours(rule, memory, gradient, tensors, threads),
        rivals);
  }

  private static StepData data(StepRule rule, TensorArena memory, Tensor gradient) {
    List<Tensor> slots = new ArrayList<>();
    for (int i = 0; i < rule.slots; i++) {
      slots.add(memory.allocate("peer s" + i, DType.F32, gradient.count()));
    }
    StepData data =
        new StepData(rule, memory.allocate("peer p", DType.F32, gradient.count()), gradient, slots);
    data.reset();
    return data;
  }

  private static final class Ours extends StepContender {
    private final Backend backend;
    private final Optimizer optimizer;
    private final Tensor gradient;
    private final StepData data;

    Ours(StepRule rule, TensorArena memory, Tensor gradient, int tensors, int threads) {
      this.gradient = gradient;
      backend = OurBackend.open(threads);
      Parameters.Layout layout = Parameters.layout();
      for (int i = 0; i < tensors; i++) {
        layout.add("p" + i, gradient.count() / tensors);
      }
      Parameters parameters = layout.allocate(memory, "p", DType.F32);
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
    private final boolean isCalledEachTime;

    Torch(String function, StepData data, long tensorSize, int threads, boolean isCalledEachTime) {
      this.data = data;
      this.isCalledEachTime = isCalledEachTime;
      call = TorchPeer.steps(function, data, tensorSize, threads);
    }

    @Override
    public void repeat(long times) {
      if (isCalledEachTime) {
        for (long i = 0; i < times; i++) {
          call.repeat(1);
        }
      } else {
        call.repeat(times);
      }
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
