package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of weight 0 in a file are as good as left out of it. */
class WeightsTest {
  @TempDir private Path folder;

  private static List<String> lines() throws IOException {
    try (InputStream in = WeightsTest.class.getResourceAsStream("/data/zero-weights.csv")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private Path write(String name, List<String> lines) throws IOException {
    return Files.write(folder.resolve(name), lines);
  }

  private static boolean hasWeight(String line) {
    return !line.split(",", -1)[3].equals("0.0");
  }

  @Test
  void coefficientsOfTheRowsOfWeight() throws IOException {
    Path all = write("all.csv", lines());
    Path used = write("used.csv", lines().stream().filter(WeightsTest::hasWeight).toList());
    String options = "--target y --weights w --optimizer lbfgs --dtype f64 --l2 0.1 --json --quiet";
    JsonNode found = Cli.train(all, options).json();
    // By NumPy: the ridge solution of the rows of weight, centered and scaled by weighted moments.
    assertEquals(0.991373352855786, found.get("r2").asDouble(), 1e-9);
    double[] coefficients = Cli.numbers(found.get("coefficients").get(0));
    assertArrayEquals(new double[] {0.9296972, -1.8448231, 0.4661602}, coefficients, 1e-7);
    JsonNode expected = Cli.train(used, options).json();
    assertArrayEquals(Cli.numbers(expected.get("coefficients").get(0)), coefficients, 1e-12);
  }

  /** Named by its place in the file, whatever rows before it have no weight. */
  @Test
  void wrongWeight() throws IOException {
    Path file = write("wrong.csv", List.of("a,w,y", "1,0,2", "2,1,3", "4,-1,5", "3,2,4"));
    Cli run = Cli.train(file, "--target y --weights w --loss logistic");
    assertEquals(1, run.status());
    Cli.assertContains(run.err(), "wrong.csv:4:2: weight -1.0 in column 'w' is negative");
  }

  @Test
  void targetAsWeights() throws IOException {
    Path file = write("twice.csv", List.of("a,y", "1,1", "2,2", "0.5,2", "1.5,1"));
    for (String role : List.of("--weights", "--offset")) {
      Cli run = Cli.train(file, "--target y --loss logistic " + role + " y");
      assertEquals(1, run.status());
      Cli.assertContains(run.err(), "column 'y' is chosen as a target, and weights or offset");
    }
  }

  /**
   * The default batch, and the warnings of f32 and of few rows, are those of the rows of weight.
   */
  @Test
  void batchesAndWarnings() throws IOException {
    List<String> few =
        lines().stream()
            .filter(line -> !hasWeight(line) || line.startsWith("a,") || line.startsWith("-1."))
            .map(line -> line.startsWith("-1.") ? "16777215" + line.substring(2) : line)
            .toList();
    long weighted = few.stream().filter(WeightsTest::hasWeight).count() - 1;
    assertTrue(weighted > 3 && weighted < 32, "fewer than the default of rows in a batch");
    Path file = write("few.csv", few);
    Cli run = Cli.train(file, "--target y --weights w --optimizer adam --epochs 2 --json --quiet");
    assertEquals(2, run.json().get("steps").asLong());
    Cli.assertContains(run.err(), "column 'a' is between", "f32 has steps of");
    assertFalse(run.err().contains("fewer rows"), run.err());
    Cli unweighted = Cli.train(file, "--target y --optimizer adam --epochs 2 --json --quiet");
    assertFalse(unweighted.err().contains("steps of"), unweighted.err());
    List<String> tiny =
        new ArrayList<>(few.stream().filter(line -> !line.startsWith("167")).toList());
    tiny.add("1,2,3,1,4");
    tiny.add("2,2,4,1,5");
    Cli none =
        Cli.train(
            write("tiny.csv", tiny),
            "--target y --weights w --optimizer adam --epochs 2 --json --quiet");
    Cli.assertContains(none.err(), "fewer rows (2) than features (3)");
  }
}
