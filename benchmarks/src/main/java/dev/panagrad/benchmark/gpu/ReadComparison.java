package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.tensor.Tensor;
import java.util.List;

/**
 * The rate at which the device reads its own memory: the ceiling of gradients. Two ways to read;
 * the faster counts.
 */
final class ReadComparison extends GpuComparison {
  private static final long ASKED = 1_000_000_000;
  private final long count;
  private Tensor x;

  ReadComparison(GpuRun run) {
    super(run, "read");
    count = run.elements(ASKED, 2);
  }

  @Override
  String work() {
    return "read f32 " + run.size(ASKED, count) + " by isFinite";
  }

  @Override
  long bytes() {
    return Float.BYTES * count;
  }

  /** Each call returns a number. */
  @Override
  boolean mayWait() {
    return true;
  }

  @Override
  DeviceWork open(Device device) {
    Tensor block = RandomValues.tensor(memory, "block", 1, Math.min(count, StepComparison.BLOCK));
    x = device.repeated("x", block, count);
    return ReadWork.byFiniteCheck(device, x);
  }

  @Override
  List<Rival> rivals() {
    return List.of(
        ceiling("dot of halves", Double.NaN, device -> ReadWork.byDot(device, x)),
        run.torch("sum", Double.NaN, "sum count=" + count));
  }
}
