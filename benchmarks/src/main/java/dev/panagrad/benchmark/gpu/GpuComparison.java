package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.benchmark.ratio.Comparison;
import dev.panagrad.benchmark.ratio.Contender;
import dev.panagrad.benchmark.ratio.RatioRow;
import dev.panagrad.benchmark.ratio.Rival;
import dev.panagrad.benchmark.ratio.Timing;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The same work, ours on the device and that of all rivals, measured in the same rounds. */
abstract class GpuComparison {
  final GpuRun run;
  final TensorArena memory;
  private Device device;
  private DeviceWork ours;

  GpuComparison(GpuRun run, String name) {
    this.run = run;
    memory = TensorArena.open(name);
  }

  /** What is done, with its size; each row is named "work vs peer". */
  abstract String work();

  /** Opens ours. Its tensors are freed with {@link #memory}. */
  abstract DeviceWork open(Device opened);

  abstract List<Rival> rivals();

  /** Bytes that a call moves, 0 where memory is not the limit. */
  long bytes() {
    return 0;
  }

  BackendOptions options() {
    return BackendOptions.defaults();
  }

  /** Whether a call may wait for the device: it returns a number, or fills a buffer again. */
  boolean mayWait() {
    return false;
  }

  /** Rows that need no rival. */
  List<RatioRow> alone(Timing timing) {
    return List.of();
  }

  /** A rival that is the device itself. */
  final Rival ceiling(String name, double goal, Function<Device, Contender> of) {
    return new Rival("ceiling", name, goal, () -> of.apply(device));
  }

  private Contender open() {
    device = new Device(memory, options());
    try {
      ours = open(device);
      return new Owner(ours, device);
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  /** Closes the backend too. */
  private record Owner(DeviceWork work, Device device) implements Contender {
    @Override
    public void repeat(long times) {
      work.repeat(times);
    }

    @Override
    public Optional<String> disagreement() {
      return work.disagreement();
    }

    @Override
    public void close() {
      try {
        work.close();
      } finally {
        device.close();
      }
    }
  }

  final List<GpuRow> measure() {
    List<RatioRow> rows =
        new ArrayList<>(
            new Comparison(work(), 1, memory, this::open, rivals())
                .measure(run.turns(), run.absent()));
    Timing timing = rows.getFirst().ours();
    if (timing != null) {
      rows.addAll(alone(timing));
    }
    return rows.stream().map(this::row).toList();
  }

  /** With our rate and counts. */
  private GpuRow row(RatioRow row) {
    CallCounts counts = ours.counts();
    double rate = bytes() == 0 || row.ours() == null ? Double.NaN : bytes() / row.ours().nanos();
    boolean isSteady =
        counts == null || (counts.allocations() == 0 && (mayWait() || counts.waits() == 0));
    return new GpuRow(row, rate, counts, isSteady, run.absence());
  }
}
