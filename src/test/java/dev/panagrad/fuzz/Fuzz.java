package dev.panagrad.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs Jazzer on each reader in a process of its own, for some seconds. New inputs, and those at
 * which a reader failed, are below {@code target/fuzz}.
 */
final class Fuzz {
  private static final Path FOUND = Path.of("target", "fuzz");

  private Fuzz() {}

  /** Takes the seconds for each, and, if there are any, the names of the readers. */
  public static void main(String[] args) throws IOException, InterruptedException {
    List<String> names = List.of(args).subList(1, args.length);
    boolean failed = false;
    for (Class<?> target : FuzzTargets.all().keySet()) {
      if (names.isEmpty() || names.contains(target.getSimpleName())) {
        failed |= run(target, Integer.parseInt(args[0])) != 0;
      }
    }
    System.exit(failed ? 1 : 0);
  }

  /** In memory where that is known to be: writers wait until their files are on the disk. */
  private static Path folder() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
  }

  private static int run(Class<?> target, int seconds) throws IOException, InterruptedException {
    Path found = Files.createDirectories(FOUND.resolve(target.getSimpleName()));
    System.out.printf("%n%s, %d seconds; new inputs in %s%n", target.getName(), seconds, found);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.io.tmpdir=" + folder(),
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.getName(),
                "--instrumentation_includes=dev.panagrad.**:de.siegmar.**",
                "--custom_hook_includes=dev.panagrad.**",
                "--reproducer_path=" + FOUND,
                "-max_total_time=" + seconds,
                "-timeout=10",
                "-rss_limit_mb=4096",
                "-artifact_prefix=" + FOUND + "/" + target.getSimpleName() + "-",
                "-print_final_stats=1",
                found.toString(),
                FuzzTargets.inputs(target).toString())
            .inheritIO()
            .start();
    if (!process.waitFor(2L * seconds + 120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      System.out.println(target.getName() + " did not end");
      return 1;
    }
    return process.exitValue();
  }
}
