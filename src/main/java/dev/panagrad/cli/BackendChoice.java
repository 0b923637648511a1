package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.MathMode;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Where to compute. */
final class BackendChoice {
  private static final List<String> UNITS = List.of("", "k", "m", "g", "t");

  /** At most 18 digits, which a long holds. */
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})([kmgt]?)");

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "auto, or a name that 'panagrad backends' shows; default: property panagrad.backend, environment"
              + " PANAGRAD_BACKEND, else auto.")
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
          "Device memory that may be used, for backend cuda, such as 8g or 500m; default: all that is free. Rows that"
              + " do not fit are uploaded batch by batch.")
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
        options = options.withDeviceMemory(bytes(deviceMemory));
      }
      return math == null ? options : options.withMath(MathMode.of(math));
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  /** A number with k, m, g or t for powers of 1,024. */
  private static long bytes(String size) {
    Matcher matcher = SIZE.matcher(size.strip().toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      int shift = 10 * UNITS.indexOf(matcher.group(2));
      long value = Long.parseLong(matcher.group(1));
      if (value <= Long.MAX_VALUE >> shift) {
        return value << shift;
      }
    }
    throw new IllegalArgumentException(
        "device memory must be a number of bytes, with k, m, g or t for powers of 1,024, found '"
            + size
            + "'");
  }
}
