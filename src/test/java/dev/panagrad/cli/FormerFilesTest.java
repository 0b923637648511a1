package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
