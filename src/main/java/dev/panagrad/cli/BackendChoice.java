package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.MathMode;
import picocli.CommandLine.Option;

final class BackendChoice {
  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "auto, or a name that 'panagrad backends' shows; default: property panagrad.backend, environment PANAGRAD_BACKEND, else auto.")
  private String name;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Compute threads; default: all processors.")
  private Integer threads;

  @Option(
      names = "--device",
      paramLabel = "N",
      description = "Index of the device, for backend cuda; default: 0.")
  private Integer device;

  @Option(
      names = "--device-memory",
      paramLabel = "SIZE",
      description =
          "Device memory that may be used, for backend cuda, such as 8g or 500m; default: all that is free. Rows that do not fit are uploaded batch by batch.")
  private String deviceMemory;

  @Option(
      names = "--math",
      paramLabel = "MODE",
      description =
          "Precision of F32 matrix products, for backend cuda: f32, tf32 or bf16; default: f32.")
  private String math;

  Backend open() {
    Backend backend = Backends.open(name, options());
    if (backend.usesHostMemory() && (device != null || deviceMemory != null || math != null)) {
      backend.close();
      throw new UsageException(
          "--device, --device-memory and --math are for a backend with a device, and '%s' computes in host memory; add --backend cuda, or leave them out"
              .formatted(backend.name()));
    }
    return backend;
  }

  private BackendOptions options() {
    BackendOptions options = BackendOptions.defaults();
    try {
      if (threads != null) {
        options = options.withThreads(threads);
      }
      if (device != null) {
        options = options.withDevice(device);
      }
      if (deviceMemory != null) {
        options = options.withDeviceMemory(Numbers.bytes("device memory", deviceMemory));
      }
      return math == null ? options : options.withMath(MathMode.of(math));
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }
}
