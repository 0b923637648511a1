package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files that the first format version wrote: {@code resources/former/README.txt} has the commands.
 */
class FormerFilesTest {
  private static final Path FORMER = Path.of("src/test/resources/former");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "model-adam, sample:diabetes",
    "model-lbfgs, sample:diabetes",
    "model-huber, src/test/resources/former/log.csv"
  })
  void modelsPredictTheSame(String model, String data) throws IOException {
    Path out = folder.resolve("predictions.csv");
    Cli.run(
            "predict",
            data,
            "--model",
            FORMER.resolve(model + ".safetensors").toString(),
            "--out",
            out.toString())
        .exits(Cli.DONE);
    assertEquals(Files.readString(FORMER.resolve(model + ".csv")), Files.readString(out));
  }

  /** Their metadata have other keys: the training cannot go on, and nothing of it is lost. */
  @ParameterizedTest
  @CsvSource({
    "adam-f32, train sample:diabetes --target progression --optimizer adam --learning-rate 0.02 --batch-size 64 --epochs 30",
    "lbfgs-f64, train sample:diabetes --target progression --optimizer lbfgs --dtype f64 --l2 0.1 --epochs 30",
    "sgd-huber, train src/test/resources/former/log.csv --target y --loss huber:1.35 --optimizer sgd --dtype f64 --average ema:0.9 --epochs 30"
  })
  void checkpointsAreRefusedByTheirVersion(String checkpoints, String command) throws IOException {
    Path copy = Files.createDirectory(folder.resolve(checkpoints));
    Path former;
    try (Stream<Path> files = Files.list(FORMER.resolve(checkpoints))) {
      former = files.findFirst().orElseThrow();
    }
    Path file = Files.copy(former, copy.resolve(former.getFileName()));
    String failure =
        Cli.run((command + " --quiet --resume --checkpoint " + copy).split(" ", -1))
            .failure(Cli.FAILED);
    assertTrue(failure.contains("'panagrad.checkpoint.1'"), failure);
    assertTrue(failure.contains("start again, or use the release"), failure);
    assertArrayEquals(Files.readAllBytes(former), Files.readAllBytes(file));
  }

  /** A checkpoint of another format is refused before anything else of it is compared. */
  @ParameterizedTest
  @CsvSource({"adam-f32, adam", "lbfgs-f64, lbfgs"})
  void checkpointsAreRefused(String name, String optimizer) throws IOException {
    Path checkpoints = Files.createDirectory(folder.resolve(name));
    try (Stream<Path> files = Files.list(FORMER.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, checkpoints.resolve(file.getFileName()));
      }
    }
    String line =
        Cli.run(
                "train sample:diabetes --target progression --quiet --resume --optimizer "
                    + optimizer
                    + " --checkpoint %s",
                checkpoints)
            .failure(Cli.FAILED);
    Cli.assertContains(
        line,
        "'panagrad.checkpoint.1'",
        "'panagrad.checkpoint.2' is needed",
        "start again, or use the release that wrote it");
  }
}
