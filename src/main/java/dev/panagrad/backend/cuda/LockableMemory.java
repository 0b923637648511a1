package dev.panagrad.backend.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much host memory may be locked: half of what Linux says that a program can have, within the
 * limit of this process's control group. Locked pages cannot be given to others, and those of a
 * mapped file are all read first.
 */
final class LockableMemory {
  private static final Path AVAILABLE = Path.of("/proc/meminfo");
  private static final List<Path> LIMITS =
      List.of(
          Path.of("/sys/fs/cgroup/memory.max"),
          Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  private static final long KIB = 1024;

  private LockableMemory() {}

  /** Bytes; 0 where the system does not say. */
  static long bytes() {
    try (var lines = Files.lines(AVAILABLE)) {
      long available =
          lines
              .filter(line -> line.startsWith("MemAvailable:"))
              .mapToLong(line -> number(line) * KIB)
              .findFirst()
              .orElse(0);
      return Math.min(available, limit()) / 2;
    } catch (IOException e) {
      return 0;
    }
  }

  private static long limit() throws IOException {
    for (Path file : LIMITS) {
      if (Files.isReadable(file)) {
        String text = Files.readString(file);
        return text.startsWith("max") ? Long.MAX_VALUE : number(text);
      }
    }
    return Long.MAX_VALUE;
  }

  private static long number(String text) {
    return Long.parseLong(text.replaceAll("[^0-9]", ""));
  }
}
