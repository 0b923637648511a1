package dev.panagrad.build;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.incubator.vector.VectorShape;

/**
 * A run of tests in a JVM of its own, because its flags concern all that it runs. {@code
 * IntendedRunTest}, in each of them, fails where a run is not what its name says.
 *
 * @param name of the run, its {@code panagrad.test.run}
 * @param tags which tests, as a tag expression
 * @param options of the JVM
 * @param environment variables to add
 */
record TestRun(String name, String tags, List<String> options, Map<String, String> environment) {
  private static final boolean SLOW = Boolean.getBoolean("panagrad.test.slow");
  private static final boolean IS_X86 =
      List.of("amd64", "x86_64").contains(System.getProperty("os.arch"));
  private static final Path REPORTS = Path.of("target", "test-runs");
  private static final int MAX_LINES = 300;

  /** Keeps C2 off what tests do once: it takes longer than it gains. */
  private static final Path DIRECTIVES = Path.of("src", "test", "resources", "directives.json");

  private static final String REQUIRED =
      System.getProperty("panagrad.test.require", "simd").replace(",cuda", "");

  /** Named to the run of all tests where there is the software CUDA device. */
  private static final List<String> DEVICE =
      List.of("panagrad.cuda.library", "panagrad.cublas.library");

  /** Those to do, divided by commas, where not all: the profile slow takes hours in one piece. */
  private static final String ASKED = System.getProperty("panagrad.test.runs");

  /** Those of this machine's runs that are asked for, those that take longest first. */
  static List<TestRun> asked() {
    List<TestRun> all = all();
    if (ASKED == null) {
      return all;
    }
    List<String> asked = List.of(ASKED.split(","));
    List<TestRun> runs = all.stream().filter(run -> asked.contains(run.name())).toList();
    if (runs.size() != asked.size()) {
      throw new IllegalArgumentException(
          "panagrad.test.runs=%s; this machine has %s"
              .formatted(ASKED, all.stream().map(TestRun::name).toList()));
    }
    return runs;
  }

  private static List<TestRun> all() {
    Optional<Path> device =
        Optional.ofNullable(System.getProperty(DEVICE.getFirst())).map(Path::of);
    List<TestRun> runs = new ArrayList<>();
    List<String> widest = new ArrayList<>();
    device.ifPresent(
        library -> {
          runs.add(sanitized(library));
          DEVICE.forEach(property -> widest.add(set(property, library)));
          widest.add(set("panagrad.test.require", REQUIRED + ",cuda"));
          if (!SLOW) {
            // Not on the library without sanitizers too, but for what is not in that run.
            widest.add(set("panagrad.test.elsewhere", "cuda"));
          }
        });
    runs.add(run("widest", "conformance | alone", widest));
    int preferred = VectorShape.preferredShape().vectorBitSize();
    if (preferred != 128) {
      String tags = SLOW ? "simd" : "conformance & !compilers";
      runs.add(simd("simd-128", tags, set("panagrad.simd.bits", 128)));
    }
    if (IS_X86 && !isWithoutAvx512()) {
      // Half the registers, and masks that are vectors.
      String old = "-XX:+IgnoreUnrecognizedVMOptions";
      runs.add(simd("avx2", "conformance", old, "-XX:UseAVX=2"));
    }
    if (IS_X86 && SLOW && preferred != 256) {
      runs.add(simd("simd-256", "simd", set("panagrad.simd.bits", 256)));
    }
    // As users have it: simd refuses, and the others are tested, openblas with the reference for
    // what BLAS does not offer. Without C2 every vector is allocated.
    String quick = "conformance & !c2 & !thorough";
    String c1 = "-XX:TieredStopAtLevel=1";
    String all = "conformance & !c2";
    runs.add(run("c1", SLOW ? all : quick, List.of(c1, set("panagrad.test.refuse", "simd"))));
    if (SLOW) {
      // C1 computes vectors lane by lane in Java; CompilersAgreeTest compares bits, always.
      String force = set("panagrad.simd.force", true);
      runs.add(run("c1-simd", all, List.of(c1, set("panagrad.test.only", "simd"), force)));
    }
    return runs;
  }

  private static TestRun run(String name, String tags, List<String> options) {
    return new TestRun(name, tags, options, Map.of());
  }

  /** SIMD kernels with other instructions than the run of all tests has. */
  private static TestRun simd(String name, String tag, String... options) {
    List<String> all = new ArrayList<>(List.of(options));
    all.add(set("panagrad.test.only", "simd"));
    String again = SLOW ? "" : " & !widest";
    return run(name, tag + again, all);
  }

  /**
   * The kernels compiled with address and undefined-behavior sanitizers. The JVM handles its own
   * signals.
   */
  private static TestRun sanitized(Path library) {
    Path sanitized = library.resolveSibling("libcudasim-asan.so");
    List<String> options = new ArrayList<>(List.of(set("panagrad.test.only", "cuda")));
    DEVICE.forEach(property -> options.add(set(property, sanitized)));
    return new TestRun(
        "cuda-asan",
        "conformance & !c2",
        options,
        Map.of(
            "LD_PRELOAD",
            library.resolveSibling("libasan.so").toString(),
            "ASAN_OPTIONS",
            "handle_segv=0:detect_leaks=0:allow_user_segv_handler=1"));
  }

  private static String set(String property, Object value) {
    return "-D" + property + "=" + value;
  }

  /** Not known, and so false, where the system has no such file. */
  private static boolean isWithoutAvx512() {
    Path info = Path.of("/proc/cpuinfo");
    try (Stream<String> lines = Files.isReadable(info) ? Files.lines(info) : Stream.empty()) {
      return Files.isReadable(info) && lines.noneMatch(line -> line.contains("avx512"));
    } catch (IOException e) {
      return false;
    }
  }

  private Path report() {
    return REPORTS.resolve(name + ".txt");
  }

  private List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> flag.startsWith("--") || flag.startsWith("-Xmx"))
        .forEach(command::add);
    // Compilations are waited for: three quarters of the processor time with AVX2.
    command.add("-Xbatch");
    command.add("-XX:+UnlockDiagnosticVMOptions");
    command.add("-XX:CompilerDirectivesFile=" + DIRECTIVES);
    command.add(set("panagrad.test.require", REQUIRED));
    command.add(set("panagrad.test.slow", SLOW));
    command.add(set("panagrad.test.run", name));
    String logging = "java.util.logging.config.file";
    command.add(set(logging, System.getProperty(logging, "")));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            "org.junit.platform.console.ConsoleLauncher",
            "execute",
            "--disable-banner",
            "--disable-ansi-colors",
            "--details=tree",
            "--details-theme=ascii",
            "--fail-if-no-tests",
            "--scan-classpath=target/test-classes",
            "--config=jqwik.database=" + REPORTS.resolve(name + "-jqwik"),
            "--include-tag=" + tags,
            "--include-tag=always"));
    return command;
  }

  /**
   * How a run ended. Whoever asks prints the summary: the run ends beside tests that catch what is
   * printed.
   *
   * @param failure what failed, or nothing
   */
  record Outcome(String summary, String failure) {}

  /** Runs it to its end. */
  Outcome outcome() throws IOException, InterruptedException {
    Files.createDirectories(REPORTS);
    long start = System.nanoTime();
    ProcessBuilder builder = new ProcessBuilder(command()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.redirectOutput(report().toFile()).start();
    Thread kill = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(kill);
    boolean ended;
    try {
      ended = process.waitFor(SLOW ? 180 : 30, TimeUnit.MINUTES);
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(kill);
    }
    List<String> lines = Files.readAllLines(report());
    String counts =
        String.join(
            ", ",
            lines.stream()
                .filter(line -> line.matches("\\[ +\\d+ tests (found|skipped|failed) +]"))
                .map(line -> line.replaceAll("[\\[\\] ]+", " ").strip())
                .toList());
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
    String summary = "Run %s: %s, %d s; %s".formatted(name, counts, seconds, report());
    if (ended && process.exitValue() == 0) {
      return new Outcome(summary, "");
    }
    String end = ended ? "exit value " + process.exitValue() : "it did not end";
    String failures =
        lines.stream()
            .dropWhile(line -> !line.startsWith("Failures ("))
            .limit(MAX_LINES)
            .collect(Collectors.joining("\n"));
    return new Outcome(summary, end + "\n" + failures);
  }
}
