package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.benchmark.ratio.Expected;
import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.RatioRow;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.benchmark.ratio.Timing;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Training of a small model, one batch after the other: gradient and Adam step, where starting the
 * work takes longer than the work. The launches per call say whether it is one graph.
 */
final class SmallModelComparison extends GpuComparison {
  private static final UpdateRule RULE = Adam.of(1e-3);
  private static final long BATCH = 64;
  private static final Timing GOAL = new Timing(15_000, 0);

  private final long features;
  private final long outputs;

  /** Batches at other addresses, together more than the caches hold if the model is not tiny. */
  private final long batches;

  SmallModelComparison(GpuRun run, long features, long outputs) {
    super(run, "small model");
    this.features = run.isRehearsal() ? Math.min(features, 1_000) : features;
    this.outputs = outputs;
    batches = run.isRehearsal() ? 3 : 16;
  }

  @Override
  String work() {
    return String.format(
        Locale.ROOT, "gradient and Adam f32 %,d x %,d, k = %,d", BATCH, features, outputs);
  }

  @Override
  List<Rival> rivals() {
    String sizes = "batch=%d features=%d outputs=%d".formatted(BATCH, features, outputs);
    return List.of(
        run.torch("fused", Double.NaN, "training batches=" + batches + " " + sizes),
        run.torch("CUDA graph", Double.NaN, "captured_training " + sizes));
  }

  @Override
  List<RatioRow> alone(Timing timing) {
    return List.of(RatioRow.measured(work() + " within 15 us", timing, GOAL, 1, false));
  }

  @Override
  DeviceWork open(Device device) {
    return new Training(device);
  }

  private final class Training extends DeviceWork {
    private final LinearAlgebra linear = device.backend.linear();

    /** The same in every batch. */
    private final Tensor xBatch = RandomValues.tensor(memory, "X batch", 1, BATCH, features);

    private final Tensor yBatch = RandomValues.tensor(memory, "Y batch", 2, BATCH, outputs);
    private final Tensor start = RandomValues.tensor(memory, "W", 3, outputs, features);
    private final Tensor x;
    private final Tensor y;
    private final Parameters parameters;
    private final Tensor w;
    private final Tensor flatGradient;
    private final Tensor gradient;
    private final Batch rows;
    private final Linear model;
    private final Gradient into;
    private final Loss loss = new Squared();
    private final Optimizer optimizer;
    private long first;

    Training(Device device) {
      super(device);
      x = device.repeated("X", xBatch, batches * BATCH, features);
      y = device.repeated("Y", yBatch, batches * BATCH, outputs);
      Parameters.Layout layout = Parameters.layout().add("W", outputs, features);
      parameters = layout.over(device.zeros("W", layout.count(DType.F32)));
      w = parameters.view("W");
      flatGradient = device.zeros("gradient", layout.count(DType.F32));
      gradient = layout.over(flatGradient).view("W");
      rows = new Batch(x, y);
      model = new Linear(w, null);
      into = new Gradient(gradient, null, null);
      optimizer = Optimizer.of(RULE).build(parameters, device.backend, memory);
    }

    @Override
    void call() {
      linear.gradient(rows, first, BATCH, loss, model, into);
      optimizer.step(flatGradient);
      first += BATCH;
      if (first == x.rows()) {
        first = 0;
      }
    }

    /** The gradient against the reference, and the step against one with that gradient. */
    @Override
    public Optional<String> disagreement() {
      device.backend.copy(start, w);
      for (Tensor slot : optimizer.state()) {
        device.backend.copy(device.zeros("zeros", slot.count()), slot);
      }
      optimizer.resumeAt(0);
      repeat(1);
      Tensor found = device.download(gradient);
      return Expected.gradient(xBatch, yBatch, start)
          .disagreement(found)
          .or(
              () ->
                  StepCheck.disagreement(
                      RULE, vector(start), vector(found), 1, vector(device.download(w))));
    }

    private static Tensor vector(Tensor matrix) {
      return matrix.reshape(matrix.count());
    }
  }
}
