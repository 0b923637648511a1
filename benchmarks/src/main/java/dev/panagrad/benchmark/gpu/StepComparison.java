package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Optimizer steps over F32 parameters. */
final class StepComparison extends GpuComparison {
  /** Elements of random values that are made on the host, and repeated on the device. */
  static final long BLOCK = 10_000_000;

  private static final double RATE = 1e-3;
  private static final long ASKED = 1_000_000_000;

  /** In the order of importance: the goal counts against the first. */
  private final List<Rival> rivals = new ArrayList<>();

  private final String work;
  private final UpdateRule rule;
  private final long tensors;
  private final long size;
  private final long bytesPerParameter;
  private Tensor p;
  private Tensor g;

  private StepComparison(
      GpuRun run, String work, UpdateRule rule, long tensors, long size, long bytesPerParameter) {
    super(run, work);
    this.work = work;
    this.rule = rule;
    this.tensors = tensors;
    this.size = size;
    this.bytesPerParameter = bytesPerParameter;
  }

  private static StepComparison ofOne(
      GpuRun run, String title, UpdateRule rule, int vectors, long bytesPerParameter) {
    long size = run.elements(ASKED, vectors);
    String work = title + " f32 " + run.size(ASKED, size);
    return new StepComparison(run, work, rule, 1, size, bytesPerParameter);
  }

  /** Reads p, g, m, v and writes p, m, v: 28 bytes per parameter. */
  static StepComparison adam(GpuRun run) {
    return ofOne(run, "Adam", Adam.of(RATE), 8, 28).underCopyRate(0.92).torch("fused", 1.0, "adam");
  }

  /**
   * Reads p, g, s and writes p, s: 20 bytes per parameter. PyTorch has no fused form; its foreach
   * form, the default on a GPU, has two intermediate vectors.
   */
  static StepComparison rmsProp(GpuRun run) {
    return ofOne(run, "RMSProp", RmsProp.of(RATE), 9, 20)
        .underCopyRate(Double.NaN)
        .torch("default", 2.0, "rmsprop");
  }

  /** Reads p, g and writes p: 12 bytes per parameter. */
  static StepComparison sgd(GpuRun run) {
    return ofOne(run, "SGD", Sgd.of(RATE), 4, 12)
        .underCopyRate(0.92)
        .torch("fused", Double.NaN, "sgd");
  }

  /** One layout here, a list of tensors there. */
  static StepComparison manyTensors(GpuRun run) {
    long tensors = run.isRehearsal() ? 10 : 1_000;
    long size = run.isRehearsal() ? 1_600 : 10_000;
    String work = "Adam f32 %,d tensors of %,d".formatted(tensors, size);
    return new StepComparison(run, work, Adam.of(RATE), tensors, size, 28)
        .torch("fused", 5.0, "adam")
        .torch("_fused_adam_ alone", Double.NaN, "bare_adam");
  }

  private StepComparison underCopyRate(double goal) {
    rivals.add(ceiling("copy", goal, device -> new CopyWork(device, g, p, bytes())));
    return this;
  }

  private StepComparison torch(String call, double goal, String name) {
    rivals.add(run.torch(call, goal, "%s count=%d tensors=%d".formatted(name, size, tensors)));
    return this;
  }

  @Override
  String work() {
    return work;
  }

  @Override
  long bytes() {
    return bytesPerParameter * tensors * size;
  }

  @Override
  List<Rival> rivals() {
    return rivals;
  }

  @Override
  DeviceWork open(Device device) {
    Parameters.Layout layout = Parameters.layout();
    for (long i = 0; i < tensors; i++) {
      layout.add("p" + i, size);
    }
    long count = tensors * size;
    p = device.repeated("p", block(1), count);
    g = device.repeated("g", block(2), count);
    return new Steps(device, Optimizer.of(rule).build(layout.over(p), device.backend, memory));
  }

  private Tensor block(long seed) {
    return RandomValues.tensor(memory, "block", seed, Math.min(BLOCK, tensors * size));
  }

  private final class Steps extends DeviceWork {
    /** More than one, so that state that is lost between steps shows. */
    private static final int CHECKED_STEPS = 3;

    private static final long CHECKED_ELEMENTS = 1_000;

    private final Optimizer optimizer;

    Steps(Device device, Optimizer optimizer) {
      super(device);
      this.optimizer = optimizer;
    }

    @Override
    void call() {
      optimizer.step(g);
    }

    /** Of the first and the last elements. */
    @Override
    public Optional<String> disagreement() {
      Tensor start = RandomValues.tensor(memory, "start", 3, CHECKED_ELEMENTS);
      long[] regions = {0, p.count() - CHECKED_ELEMENTS};
      for (long first : regions) {
        device.backend.copy(start, p.slice(first, CHECKED_ELEMENTS));
        for (Tensor slot : optimizer.state()) {
          device.backend.copy(
              device.zeros("zeros", CHECKED_ELEMENTS), slot.slice(first, CHECKED_ELEMENTS));
        }
      }
      optimizer.resumeAt(0);
      repeat(CHECKED_STEPS);
      for (long first : regions) {
        Tensor found = device.download(p.slice(first, CHECKED_ELEMENTS));
        Tensor gradient = device.download(g.slice(first, CHECKED_ELEMENTS));
        Optional<String> disagreement =
            StepCheck.disagreement(rule, start, gradient, CHECKED_STEPS, found);
        if (disagreement.isPresent()) {
          return disagreement.map(text -> "from element %,d on, ".formatted(first) + text);
        }
      }
      return Optional.empty();
    }
  }
}
