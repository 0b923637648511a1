package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code --init} goes on from a folder of checkpoints with anything but features and loss changed.
 */
class StartFromCheckpointTest {
  private static final String ADAM =
      "--target progression --optimizer adam --learning-rate 0.05 --epochs 5 --quiet";

  @TempDir private Path folder;
  private Path checkpoints;
  private Path model;

  @BeforeEach
  void train() {
    checkpoints = folder.resolve("checkpoints");
    model = folder.resolve("model.safetensors");
    diabetes(
            "%s --checkpoint %s --save %s --log %s/adam.csv"
                .formatted(ADAM, checkpoints, model, folder))
        .exits(Cli.DONE);
  }

  private static Cli diabetes(String line) {
    return Cli.train(Path.of("sample:diabetes"), line);
  }

  private double loss(String log, int epoch) throws IOException {
    List<String> lines = Files.readAllLines(folder.resolve(log));
    int column = List.of(lines.getFirst().split(",", -1)).indexOf("loss");
    return Double.parseDouble(lines.get(epoch).split(",", -1)[column]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--optimizer sgd --learning-rate 0.001",
        "--optimizer lbfgs",
        "--optimizer adam --learning-rate 0.01 --seed 4 --batch-size 16 --schedule cosine:9 --l2 0.01",
      })
  void anotherTrainingGoesOn(String options) throws IOException {
    String line = "--target progression --quiet --epochs 2 " + options;
    for (Path from : List.of(checkpoints, model)) {
      String name = from.getFileName().toString();
      diabetes(
              "%s --init %s --log %s/%s.csv --save %s/%s.next"
                  .formatted(line, from, folder, name, folder, name))
          .exits(Cli.DONE);
    }
    assertTrue(loss("checkpoints.csv", 1) < 1.01 * loss("adam.csv", 5));
    assertEquals(loss("model.safetensors.csv", 1), loss("checkpoints.csv", 1));
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("model.safetensors.next")),
        Files.readAllBytes(folder.resolve("checkpoints.next")));
  }

  @Test
  void whatMustAgreeIsRefused() {
    String line = " --optimizer sgd --epochs 1 --quiet --init " + checkpoints;
    Cli.assertContains(
        diabetes("--target age" + line).failure(Cli.FAILED), "--init", "progression");
    Cli.assertContains(
        diabetes("--target progression --loss huber:1" + line).failure(Cli.FAILED),
        "--init",
        "squared");
    Cli.assertContains(
        diabetes(ADAM.replace("0.05", "0.01") + " --resume --checkpoint " + checkpoints)
            .failure(Cli.FAILED),
        "is of another training");
  }

  @Test
  void damagedAndMissing() throws IOException {
    String line = "--target progression --optimizer sgd --epochs 1 --quiet --init ";
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Cli.assertContains(diabetes(line + empty).failure(Cli.FAILED), "--init", "has no checkpoints");
    Path newest;
    try (Stream<Path> files = Files.list(checkpoints)) {
      newest =
          files.filter(file -> file.toString().endsWith(".safetensors")).findFirst().orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(newest);
    Files.write(newest, Arrays.copyOf(bytes, bytes.length / 2));
    Cli.assertContains(
        diabetes(line + checkpoints).exits(Cli.FAILED).err(),
        "--init",
        "every checkpoint",
        "damaged");
  }
}
