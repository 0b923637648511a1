package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What figures depend on: processor, load, governor, JDK, and the core that OpenBLAS runs for. */
final class Machine {
  private static final Path GOVERNOR =
      Path.of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");

  private Machine() {}

  static String describe() {
    List<String> processor = lines(Path.of("/proc/cpuinfo"));
    List<String> governor = lines(GOVERNOR);
    return "%s, family %s, model %s, %d processors, load %.2f, governor %s; Java %s%n%s"
        .formatted(
            field(processor, "model name"),
            field(processor, "cpu family"),
            field(processor, "model"),
            Runtime.getRuntime().availableProcessors(),
            ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
            governor.isEmpty() ? "unknown" : governor.getFirst(),
            Runtime.version(),
            OpenBlasLibrary.configuration());
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }

  private static String field(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.split(":", 2)[0].strip().equals(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("unknown");
  }
}
