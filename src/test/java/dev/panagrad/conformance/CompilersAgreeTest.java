package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The SIMD kernels give the same bits compiled by C1, where vectors are objects and lanes are
 * computed by Java code, and by C2, where they are instructions: what one of the compilers gets
 * wrong shows, without any tolerance. C1 has a process of its own.
 */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("compilers")
@Order(2)
class CompilersAgreeTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Fewer rows by this factor: C1 needs seconds then. */
  private static final int DIVISOR = 64;

  /** What a call makes of operands and their checks; vectors that are objects take ten times it. */
  private static final long MOST_BYTES = 4096;

  private static final int FEWEST_CALLS = 10;
  private static final int MOST_CALLS = 20_000;

  private static Process startC1() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(option -> option.startsWith("-XX:UseAVX="))
            .toList());
    command.add("-Dpanagrad.simd.bits=" + System.getProperty("panagrad.simd.bits", ""));
    command.add("-Dpanagrad.test.slow=" + System.getProperty("panagrad.test.slow", ""));
    command.addAll(
        List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dpanagrad.simd.force=true"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Digests.class.getName()));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  @Test
  void sameBitsFromBothCompilers() throws IOException, InterruptedException {
    Process byC1 = startC1();
    List<String> c2 = digests(CompilersAgreeTest::untilCompiled);
    String out = new String(byC1.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, byC1.waitFor(), out);
    List<String> c1 = out.lines().toList();
    assertEquals(KernelRuns.compiled(DIVISOR).size(), Set.copyOf(c1).size(), "lines, each once");
    List<String> differing = new ArrayList<>(c1);
    differing.removeAll(c2);
    assertEquals(List.of(), differing, "from C1, and others from C2");
  }

  /**
   * Calls each in turn until vectors are no objects any more, which is C2's work. In turn, so that
   * C2 sees every option of a kernel before it compiles it, and not again for each.
   *
   * @return a line for each kernel, with a checksum of what the last of its calls writes
   */
  private static List<String> untilCompiled(Backend backend, Map<String, KernelRuns.Ready> runs) {
    List<String> lines = new ArrayList<>();
    Map<String, KernelRuns.Ready> left = new LinkedHashMap<>(runs);
    for (int calls = 1; !left.isEmpty(); calls++) {
      for (var each = left.entrySet().iterator(); each.hasNext(); ) {
        var run = each.next();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        run.getValue().run(backend);
        long bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
        if (calls >= FEWEST_CALLS && bytes <= MOST_BYTES) {
          lines.add(line(run.getKey(), run.getValue()));
          each.remove();
        }
        assertTrue(calls < MOST_CALLS, () -> run.getKey() + " allocates in each call: " + bytes);
      }
    }
    return lines;
  }

  private static String line(String name, KernelRuns.Ready ready) {
    CRC32C checksum = new CRC32C();
    ready.bits().forEach(checksum::update);
    return name + " " + Long.toHexString(checksum.getValue());
  }

  private static List<String> digests(
      BiFunction<Backend, Map<String, KernelRuns.Ready>, List<String>> calls) {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("kernels")) {
      Map<String, KernelRuns.Ready> runs = new LinkedHashMap<>();
      KernelRuns.compiled(DIVISOR).forEach(run -> runs.put(run.name(), run.prepare(arena)));
      return calls.apply(backend, runs);
    }
  }

  /** Prints what one call of each kernel writes. */
  static final class Digests {
    private Digests() {}

    public static void main(String[] args) {
      digests(Digests::once).forEach(System.out::println);
    }

    private static List<String> once(Backend backend, Map<String, KernelRuns.Ready> runs) {
      return runs.entrySet().stream()
          .map(
              run -> {
                run.getValue().run(backend);
                return line(run.getKey(), run.getValue());
              })
          .toList();
    }
  }
}
