package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The compiled CUDA kernels are those of the sources beside them. */
@Tag("first")
class KernelsLockTest {
  private static final Path SOURCES = Path.of("native", "cuda");
  private static final Path LOCK = SOURCES.resolve("kernels.lock");
  private static final Path BUILD = Path.of("native", "build.sh");
  private static final Path COMPILED =
      Path.of("src", "main", "resources", "META-INF", "panagrad", "cuda");

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** No compiler is needed to see that a source was changed without its compiled form. */
  @Test
  void sourcesAndCompiledFormAreLocked() throws IOException {
    Map<String, String> locked = Locks.read(LOCK);
    Map<String, String> found = new TreeMap<>();
    found.put("../build.sh", Locks.hash(BUILD));
    int sources = 0;
    for (Path file : list(SOURCES)) {
      String name = file.getFileName().toString();
      sources += name.endsWith(".cu") ? 1 : 0;
      if (!name.equals("kernels.lock")) {
        found.put(name, Locks.hash(file));
      }
    }
    List<Path> compiled = list(COMPILED);
    for (Path file : compiled) {
      found.put(file.getFileName().toString(), Locks.hash(file));
    }
    assertEquals(locked, found, "run native/build.sh, and commit sources and compiled form");
    assertEquals(sources, compiled.size(), "one compiled file per source");
    assertTrue(sources > 0);
  }

  /** What a driver must be new enough for is what the kernels were compiled by. */
  @Test
  void driverIsRequiredForTheLockedToolkit() throws IOException, ReflectiveOperationException {
    String first = Files.readAllLines(LOCK).getFirst();
    Matcher release = Pattern.compile("# release ([0-9]+)\\.([0-9]+),.*").matcher(first);
    assertTrue(release.matches(), first);
    int toolkit =
        1000 * Integer.parseInt(release.group(1)) + 10 * Integer.parseInt(release.group(2));
    var constant =
        Class.forName("dev.panagrad.backend.cuda.CudaProvider").getDeclaredField("TOOLKIT");
    constant.setAccessible(true);
    assertEquals(toolkit, constant.getInt(null));
  }

  /** Where the compiler is installed: every source compiles, and gives what is committed. */
  @Test
  void compilerGivesTheCommittedForm() throws IOException, InterruptedException {
    boolean installed =
        Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "nvcc")));
    assumeTrue(installed, "nvcc is not on the PATH");
    // Half a minute; the sums of sources and compiled files are compared in any case.
    assumeTrue(Boolean.getBoolean("panagrad.test.slow"), "only with Maven's profile slow");
    Process process =
        new ProcessBuilder("bash", BUILD.toString(), "--check").redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
  }
}
