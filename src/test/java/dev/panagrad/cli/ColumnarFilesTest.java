package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Parquet and Arrow files as data of the command line. */
class ColumnarFilesTest {
  private static final Path TABLES = Path.of("src/test/resources/tables");

  @TempDir private Path folder;

  /** A process of its own: libraries that speak of themselves would do so on standard error. */
  @ParameterizedTest
  @ValueSource(strings = {"numbers-gzip.parquet", "numbers.feather"})
  void trains(String file) throws IOException, InterruptedException {
    Cli run =
        Cli.start(
            folder,
            List.of(),
            Map.of(),
            "train",
            TABLES.resolve(file).toString(),
            "--target",
            "f64",
            "--features",
            "i32,flag",
            "--json",
            "--quiet");
    JsonNode json = run.json();
    assertEquals("i32", json.at("/features/0").asText());
    assertEquals(0, json.get("exactMse").asDouble(), 1e-9);
    assertEquals(
        List.of(
            "WARNING: Using incubator modules: jdk.incubator.vector",
            "optimizer auto: exact, as least squares of this size has a direct solution; rows are F64"),
        run.err().lines().toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"kinds.parquet", "kinds.arrow", "kinds.ipc"})
  void refusesMissing(String file) {
    String message =
        Cli.run(
                "train",
                TABLES.resolve(file).toString(),
                "--target",
                "last",
                "--features",
                "missing")
            .failure(Cli.FAILED);
    Cli.assertContains(message, file, "row 2: column 'missing' has no value");
  }

  @Test
  void headerIsOfCsv() {
    String message =
        Cli.run("train", TABLES.resolve("tiny.parquet").toString(), "--target", "y", "--no-header")
            .failure(Cli.USAGE);
    Cli.assertContains(message, "--no-header is for CSV files");
  }

  @Test
  void help() {
    Cli.assertContains(Cli.run("train", "--help").out(), ".parquet", ".arrow");
  }
}
