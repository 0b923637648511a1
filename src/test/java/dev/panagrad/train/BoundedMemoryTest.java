package dev.panagrad.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.MemoryAdvice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A file several times larger than the bound is trained on within it: a process of its own reports
 * the pages of files that it had in memory at most, as the kernel counts them.
 */
@Tag("alone")
@Order(1)
class BoundedMemoryTest {
  private static final int FEATURES = 255;
  private static final long ROWS = Boolean.getBoolean("panagrad.test.slow") ? 2_000_000 : 200_000;
  private static final long MIB = 1 << 20;
  private static final long BOUND = ROWS * (FEATURES + 1) * Float.BYTES / 8;

  @TempDir private Path folder;

  /** Rows made as they are asked for, y = x1 - x2 + noise. */
  private static final class MadeTable implements Table {
    @Override
    public String name() {
      return "made";
    }

    @Override
    public List<String> columns() {
      return IntStream.rangeClosed(0, FEATURES).mapToObj(i -> i == 0 ? "y" : "x" + i).toList();
    }

    @Override
    public boolean hasNames() {
      return true;
    }

    @Override
    public long rows() {
      return ROWS;
    }

    @Override
    public void read(int[] columns, Values into) {
      SplittableRandom random = new SplittableRandom(3);
      for (long row = 0; row < ROWS; row++) {
        double y = random.nextDouble() - 0.5;
        for (int c = 0; c < FEATURES; c++) {
          double x = random.nextDouble() - 0.5;
          y += c == 0 ? x : c == 1 ? -x : 0;
          into.number(row, c, x);
        }
        into.number(row, FEATURES, y);
      }
    }

    @Override
    public String place(long row, int column) {
      return "made: row " + row;
    }
  }

  /** Trains, and prints the largest resident file pages seen and the loss. */
  static final class Training {
    private Training() {}

    public static void main(String[] args) throws IOException {
      long[] most = new long[1];
      try (Backend backend = Backends.open("simd", new BackendOptions(2));
          TrainingFile file = TrainingFile.open(Path.of(args[0]))) {
        Trainer trainer =
            Trainer.with(Optimizer.of(Adam.of(0.01)))
                .batchSize(1000)
                .epochs(2)
                .stopWhen(
                    () -> {
                      most[0] = Math.max(most[0], residentFileBytes());
                      return false;
                    });
        long before = residentFileBytes();
        if (!args[1].equals("none")) {
          trainer.dataMemory(Long.parseLong(args[1]));
        }
        TrainingResult result = trainer.fit(file, backend);
        System.out.printf(Locale.ROOT, "%d %.6f%n", most[0] - before, result.mse());
      }
    }

    private static long residentFileBytes() {
      try {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("RssFile:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
            .sum();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static String[] run(Path file, String memory) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Training.class.getName(),
                file.toString(),
                memory)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    assertTrue(process.waitFor(5, TimeUnit.MINUTES));
    assertEquals(0, process.exitValue(), said);
    return said.strip().split(" ", -1);
  }

  @Test
  void boundIsKept() throws IOException, InterruptedException {
    assumeTrue(MemoryAdvice.isTaken(), "this system releases nothing");
    Path file = folder.resolve("large.safetensors");
    try (Table table = new MadeTable()) {
      TrainingFile.write(
          file, TableReader.of(table).targets(List.of("y")), DType.F32, TrainingFile.Units.RAW);
    }
    String[] bounded = run(file, Long.toString(BOUND));
    long most = Long.parseLong(bounded[0]);
    // Pages at the ends of blocks, and code of the virtual machine that is loaded meanwhile.
    assertTrue(most <= BOUND + 16 * MIB, "%,d bytes, bound %,d".formatted(most, BOUND));
    // The measure works: without a bound the whole file comes in.
    String[] free = run(file, "none");
    assertTrue(Long.parseLong(free[0]) > 6 * BOUND, free[0]);
    assertEquals(1.0 / 12, Double.parseDouble(bounded[1]), 0.01);
    assertEquals(Double.parseDouble(free[1]), Double.parseDouble(bounded[1]), 1e-3);
  }
}
