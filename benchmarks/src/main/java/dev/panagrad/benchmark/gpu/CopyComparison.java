package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.RandomValues;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/** The rate at which the device copies its own memory: the ceiling of optimizer steps. */
final class CopyComparison extends GpuComparison {
  private static final long ASKED = 1_000_000_000;
  private final long count;

  CopyComparison(GpuRun run) {
    super(run, "copy");
    count = run.elements(ASKED, 4);
  }

  @Override
  String work() {
    return "copy f32 " + run.size(ASKED, count);
  }

  @Override
  long bytes() {
    return 2 * Float.BYTES * count;
  }

  @Override
  DeviceWork open(Device device) {
    long blockCount = Math.min(count, StepComparison.BLOCK);
    Tensor block = RandomValues.tensor(memory, "block", 1, blockCount);
    Tensor from = device.repeated("from", block, count);
    Tensor to = device.zeros("to", count);
    return new DeviceWork(device) {
      @Override
      void call() {
        device.backend.copy(from, to);
      }

      @Override
      public Optional<String> disagreement() {
        Tensor last = device.download(to.slice(count - 1, 1));
        float expected = RandomValues.at(1, (count - 1) % blockCount);
        return last.get(0) == expected
            ? Optional.empty()
            : Optional.of("the last element is %s, expected %s".formatted(last.get(0), expected));
      }
    };
  }

  @Override
  List<Rival> rivals() {
    return List.of(run.torch("copy_", Double.NaN, "copy count=" + count));
  }
}
