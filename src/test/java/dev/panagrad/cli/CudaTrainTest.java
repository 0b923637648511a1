package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --backend cuda}: the answers of {@code simd}, and its own options. */
@Tag("cuda")
class CudaTrainTest {
  private static final String SAMPLE = "sample:diabetes";

  @TempDir private Path folder;

  @BeforeEach
  void device() {
    boolean present =
        Backends.providers().stream()
            .anyMatch(
                provider ->
                    provider.name().equals("cuda")
                        && provider.probe() instanceof Availability.Available);
    assumeTrue(present, "no CUDA device");
  }

  private static JsonNode train(String backend, String line) throws IOException {
    return Cli.train(
            Path.of(SAMPLE),
            "--target progression --json --quiet --backend " + backend + " " + line)
        .json();
  }

  /** Relative to the largest coefficient; two backends may differ by twice a gradient's bound. */
  private static void agree(String line, double tolerance) throws IOException {
    JsonNode simd = train("simd", line);
    JsonNode cuda = train("cuda", line);
    assertEquals("cuda", cuda.get("backend").asText());
    double[] expected = Cli.numbers(simd.get("coefficients").get(0));
    double[] found = Cli.numbers(cuda.get("coefficients").get(0));
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], tolerance * largest, line + ", coefficient " + i);
    }
    assertEquals(simd.get("mse").asDouble(), cuda.get("mse").asDouble(), tolerance * 3000, line);
    assertEquals(simd.get("steps").asLong(), cuda.get("steps").asLong(), line);
  }

  @Test
  void sameAnswersAsSimd() throws IOException {
    for (String rule :
        List.of(
            "--optimizer gd --learning-rate 0.1",
            "--optimizer sgd --learning-rate 0.01 --momentum 0.9 --batch-size 64 --seed 7",
            // Without an intercept, whose gradient is rounding noise over all standardized rows,
            // which
            // Adam scales up to a step.
            "--optimizer adam --learning-rate 0.1 --batch-size full --no-intercept",
            "--optimizer adam --learning-rate 0.1 --batch-size 64 --seed 7",
            "--optimizer rmsprop --learning-rate 0.1 --batch-size 64 --seed 7")) {
      agree(rule + " --epochs 20 --dtype f64", 1e-11);
      agree(rule + " --epochs 20", 2e-4);
    }
  }

  @Test
  void penaltiesClippingAndValidation() throws IOException {
    agree(
        "--optimizer adam --learning-rate 0.1 --epochs 20 --dtype f64 --batch-size 64 --l1 0.1 --l2 0.1 --clip-norm 10 --validation 0.25 --seed 3",
        1e-11);
  }

  /** Data of 800 KB in device memory that holds less: its rows are uploaded batch by batch. */
  @Test
  void withinAMemoryLimit() throws IOException {
    Path data = Path.of("src", "test", "resources", "data", "randhie.csv");
    String line =
        "--target mdvis --json --quiet --backend cuda --learning-rate 0.1 --epochs 2 --batch-size 4096 --seed 7";
    JsonNode all = Cli.train(data, line).json();
    JsonNode little = Cli.train(data, line + " --device-memory 900k").json();
    assertEquals(all.get("coefficients"), little.get("coefficients"));
  }

  @Test
  void tooLittleMemoryIsOneSentence() {
    Cli run = Cli.train(Path.of(SAMPLE), "--target progression --backend cuda --device-memory 100");
    Cli.assertContains(
        run.failure(Cli.FAILED), "cannot be allocated", "bytes are free", "of the 100 it may hold");
  }

  @Test
  void deviceThatIsNotThere() {
    Cli run = Cli.train(Path.of(SAMPLE), "--target progression --backend cuda --device 31");
    assertEquals(Cli.FAILED, run.status());
    Cli.assertContains(run.err(), "device 31 was asked for");
  }

  @Test
  void backendSaysOptions() {
    Cli run =
        Cli.train(
                Path.of(SAMPLE),
                "--target progression --backend cuda --epochs 1 --math tf32 --device-memory 64m")
            .exits(Cli.DONE);
    assertTrue(run.out().contains("at most 67,108,864 bytes"), run::out);
    assertTrue(run.out().contains("TF32"), run::out);
  }

  /** A user's own process, with the software device named as its README says. */
  @Test
  void startedAsAUserDoes() throws IOException, InterruptedException {
    String library = System.getProperty("panagrad.cuda.library", "");
    assumeTrue(!library.isEmpty(), "no library was named");
    Cli run =
        Cli.start(
            folder,
            List.of(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Dpanagrad.cuda.library=" + library,
                "-Dpanagrad.cublas.library=" + System.getProperty("panagrad.cublas.library")),
            Map.of(),
            "train",
            SAMPLE,
            "--target",
            "progression",
            "--backend",
            "cuda",
            "--epochs",
            "5");
    run.exits(Cli.DONE);
    assertTrue(run.out().contains("software device"), run::out);
  }
}
