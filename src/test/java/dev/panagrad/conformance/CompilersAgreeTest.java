package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The SIMD kernels give the same bits compiled by C1, where vectors are objects and lanes are
 * computed by Java code, and by C2, where they are instructions: what one of the compilers gets
 * wrong shows, without any tolerance. Each has a process of its own.
 */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
class CompilersAgreeTest {
  /** Fewer rows by this factor: C1 needs seconds then. */
  private static final int DIVISOR = 16;

  private static Process start(int repeats, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(option -> option.startsWith("-XX:UseAVX="))
            .toList());
    command.add("-Dpanagrad.simd.bits=" + System.getProperty("panagrad.simd.bits", ""));
    command.addAll(Arrays.asList(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Digests.class.getName(), Integer.toString(repeats)));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static List<String> digests(Process process) throws IOException, InterruptedException {
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.lines().toList();
  }

  @Test
  void sameBitsFromBothCompilers() throws IOException, InterruptedException {
    // What a call repeats some hundred times is compiled before the tenth call, and waited for.
    Process byC2 = start(10, "-Xbatch", "-XX:-TieredCompilation", "-XX:CompileThreshold=500");
    Process byC1 = start(1, "-XX:TieredStopAtLevel=1", "-Dpanagrad.simd.force=true");
    List<String> c2 = digests(byC2);
    List<String> c1 = digests(byC1);
    assertEquals(KernelRuns.all(DIVISOR, true).size(), Set.copyOf(c1).size(), "lines, each once");
    assertEquals(c1.size(), c2.size());
    List<String> differing = new ArrayList<>(c1);
    differing.removeAll(c2);
    assertEquals(List.of(), differing, "from C1, and others from C2");
  }

  /** Prints a checksum of what each kernel writes in the last of some calls. */
  static final class Digests {
    private Digests() {}

    public static void main(String[] args) {
      int repeats = Integer.parseInt(args[0]);
      try (Backend backend = Backends.open("simd", new BackendOptions(2))) {
        for (KernelRuns.KernelRun run : KernelRuns.all(DIVISOR, true)) {
          try (TensorArena arena = TensorArena.open(run.name())) {
            KernelRuns.Ready ready = run.prepare(arena);
            for (int i = 0; i < repeats; i++) {
              ready.run(backend);
            }
            CRC32C checksum = new CRC32C();
            ready.bits().forEach(checksum::update);
            System.out.println(run.name() + " " + Long.toHexString(checksum.getValue()));
          }
        }
      }
    }
  }
}
