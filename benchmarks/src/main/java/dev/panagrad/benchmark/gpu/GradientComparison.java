package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.benchmark.ratio.Expected;
import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The gradient of the mean squared error over all rows of X, F32, without intercept and loss:
 * {@code 2/n (X W^T - Y)^T X}. X and Y repeat a block of rows, so that the reference is the
 * gradient of the block.
 */
final class GradientComparison extends GpuComparison {
  private static final long REHEARSED_BLOCK = 32;

  private final long asked;
  private final long rows;
  private final long block;
  private final long features;
  private final int outputs;
  private final double torchGoal;
  private Tensor x;

  private GradientComparison(
      GpuRun run, long asked, long block, long features, int outputs, double torchGoal) {
    super(run, "gradient");
    this.asked = asked;
    this.block = run.isRehearsal() ? REHEARSED_BLOCK : block;
    this.features = features;
    this.outputs = outputs;
    this.torchGoal = torchGoal;
    // X and Y here, X, Y and residuals there, and twice there where both forms of a product are.
    int forms = outputs == 1 ? 2 : 3;
    rows =
        run.isRehearsal()
            ? 3 * REHEARSED_BLOCK
            : run.rows(asked, block, forms * (features + 2L * outputs));
  }

  /** One output: one read of X, where two products read it twice. */
  static GradientComparison one(GpuRun run, long rows, long block, long features) {
    return new GradientComparison(run, rows, block, features, 1, 1.7);
  }

  /** Several outputs; the goal counts against the faster form of PyTorch's weights. */
  static GradientComparison several(
      GpuRun run, long rows, long block, long features, int outputs, double torchGoal) {
    return new GradientComparison(run, rows, block, features, outputs, torchGoal);
  }

  @Override
  String work() {
    String text =
        String.format(Locale.ROOT, "gradient f32 %s x %,d", run.size(asked, rows), features);
    return outputs == 1 ? text : text + String.format(Locale.ROOT, " k = %,d", outputs);
  }

  @Override
  long bytes() {
    return outputs == 1 ? Float.BYTES * rows * features : 0;
  }

  @Override
  List<Rival> rivals() {
    String sizes = " rows=%d features=%d outputs=%d".formatted(rows, features, outputs);
    return outputs == 1
        ? List.of(
            run.torch("2 mv", torchGoal, "gradient" + sizes),
            ceiling("isFinite", 0.85, device -> ReadWork.byFiniteCheck(device, flat())),
            ceiling("dot of halves", 0.85, device -> ReadWork.byDot(device, flat())))
        : List.of(
            run.torch("2 mm", torchGoal, "gradient" + sizes),
            run.torch("2 mm W^T", torchGoal, "turned_gradient" + sizes));
  }

  private Tensor flat() {
    return x.reshape(x.count());
  }

  @Override
  DeviceWork open(Device device) {
    Tensor xBlock = RandomValues.tensor(memory, "X block", 1, block, features);
    Tensor yBlock = RandomValues.tensor(memory, "Y block", 2, block, outputs);
    Tensor hostW = RandomValues.tensor(memory, "W", 3, outputs, features);
    Expected expected = Expected.gradient(xBlock, yBlock, hostW);
    x = device.repeated("X", xBlock, rows, features);
    Tensor y = device.repeated("Y", yBlock, rows, outputs);
    Tensor w = device.backend.place(memory, hostW);
    Tensor out = device.zeros("gradient", outputs, features);
    LinearAlgebra linear = device.backend.linear();
    Batch batch = new Batch(x, y);
    Loss loss = new Squared();
    Linear model = new Linear(w, null);
    Gradient into = new Gradient(out, null, null);
    return new DeviceWork(device) {
      @Override
      void call() {
        linear.gradient(batch, 0, rows, loss, model, into);
      }

      @Override
      public Optional<String> disagreement() {
        device.backend.copy(memory.allocate("NaN", DType.F32, out.shape()).fill(Double.NaN), out);
        repeat(1);
        return expected.disagreement(device.download(out));
      }
    };
  }
}
