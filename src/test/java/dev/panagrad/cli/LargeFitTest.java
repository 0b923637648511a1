package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics of many rows on a heap that could not hold a number for each. */
class LargeFitTest {
  private static final boolean IS_SLOW = Boolean.getBoolean("panagrad.test.slow");
  private static final int ROWS = IS_SLOW ? 3_000_000 : 400_000;
  private static final String HEAP = IS_SLOW ? "-Xmx128m" : "-Xmx18m";

  @TempDir private Path folder;

  @Test
  void metricsTakeNoHeap() throws IOException, InterruptedException {
    Path data = folder.resolve("log.csv");
    SplittableRandom random = new SplittableRandom(1);
    try (BufferedWriter out = Files.newBufferedWriter(data)) {
      out.write("x,y\n");
      for (int row = 0; row < ROWS; row++) {
        int x = random.nextInt(1000);
        out.write(x + "," + (random.nextInt(1000) < x ? 1 : 0) + "\n");
      }
    }
    Path model = folder.resolve("model.safetensors");
    Cli run =
        Cli.start(
            folder,
            List.of(
                HEAP,
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC"),
            Map.of(),
            "train",
            data.toString(),
            "--target=y",
            "--loss=logistic",
            "--epochs=2",
            "--batch-size=100000",
            "--learning-rate=0.1",
            "--save=" + model,
            "--json",
            "--quiet");
    JsonNode metrics = run.json().get("metrics");
    assertTrue(Files.exists(model));
    // P(x > x') for densities 2x and 2(1 - x).
    double auc = metrics.get("AUC").asDouble();
    assertTrue(Math.abs(auc - 5.0 / 6) < 0.005, metrics::toString);
  }
}
