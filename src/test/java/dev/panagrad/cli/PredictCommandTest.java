package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --save} and {@code predict}. */
class PredictCommandTest {
  @TempDir private Path folder;

  private Path model() {
    return folder.resolve("model.safetensors");
  }

  @Test
  void predictionsOfASavedModel() throws IOException {
    Path data = SmallData.write(folder);
    JsonNode json =
        Cli.train(data, "--target y,z --dtype f64 --json --quiet --epochs 20 --save " + model())
            .json();
    LinearModel model = ModelFile.load(model());
    assertEquals(Cli.strings(json.get("features")), model.features());
    assertEquals(List.of("y", "z"), model.targets());
    for (int j = 0; j < 2; j++) {
      assertArrayEquals(Cli.numbers(json.get("coefficients").get(j)), model.coefficients()[j]);
    }
    assertArrayEquals(Cli.numbers(json.get("intercept")), model.intercepts());

    Cli run = Cli.run("predict", data.toString(), "--model", model().toString()).exits(Cli.DONE);
    List<String> lines = run.out().lines().toList();
    assertEquals("y,z", lines.getFirst());
    List<String> rows = Files.readAllLines(data);
    assertEquals(rows.size(), lines.size());
    List<String> header = List.of(rows.getFirst().split(",", -1));
    for (int i = 1; i < rows.size(); i++) {
      String[] cells = rows.get(i).split(",", -1);
      double[] row =
          model.features().stream()
              .mapToDouble(name -> Double.parseDouble(cells[header.indexOf(name)].strip()))
              .toArray();
      String[] found = lines.get(i).split(",", -1);
      for (int j = 0; j < 2; j++) {
        assertEquals(model.predict(row, j), Double.parseDouble(found[j]));
      }
    }

    Path out = folder.resolve("out.csv");
    Cli.run("predict", data.toString(), "--model", model().toString(), "--out", out.toString())
        .exits(Cli.DONE);
    assertEquals(lines, Files.readAllLines(out));
  }

  @Test
  void whatCannotBePredicted() throws IOException {
    Path data = SmallData.write(folder);
    String missing =
        Cli.run("predict", data.toString(), "--model", model().toString()).failure(Cli.FAILED);
    Cli.assertContains(missing, "there is no file", model().toString());
    Files.writeString(model(), "not a model at all");
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString()).failure(Cli.FAILED),
        "the header is said to have");
    ModelFile.save(
        new LinearModel(List.of("a", "nowhere"), List.of("y"), new double[1][2], new double[1]),
        model());
    Path out = Files.writeString(folder.resolve("out.csv"), "kept");
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString(), "--out", out.toString())
            .failure(Cli.FAILED),
        "there is no feature 'nowhere'");
    assertEquals("kept", Files.readString(out));
    // A name that is a number is a name where there are names.
    ModelFile.save(
        new LinearModel(List.of("a", "2"), List.of("y"), new double[1][2], new double[1]), model());
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString()).failure(Cli.FAILED),
        "there is no feature '2'");
    for (Path taken : List.of(data, model())) {
      byte[] before = Files.readAllBytes(taken);
      Cli.run("predict", data.toString(), "--model", model().toString(), "--out", taken.toString())
          .failure(Cli.USAGE);
      assertArrayEquals(before, Files.readAllBytes(taken));
    }
  }

  /** An intercept is a model; nothing is not. */
  @Test
  void modelsOfNothing() throws IOException {
    Path data = SmallData.write(folder);
    ModelFile.save(
        new LinearModel(List.of(), List.of("y"), new double[1][0], new double[] {1.5}), model());
    LinearModel model = ModelFile.load(model());
    assertEquals(List.of(), model.features());
    assertEquals(1.5, model.predict(new double[0], 0));
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString()).failure(Cli.FAILED),
        "has no features",
        "[1.5]");
    byte[] before = Files.readAllBytes(model());
    assertThrows(
        IllegalArgumentException.class,
        () ->
            ModelFile.save(
                new LinearModel(List.of("a"), List.of(), new double[0][], new double[0]), model()));
    assertArrayEquals(before, Files.readAllBytes(model()));
  }

  /** Nobody is waited for. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void modelThatIsAPipe() throws IOException, InterruptedException {
    Path data = SmallData.write(folder);
    assertEquals(0, new ProcessBuilder("mkfifo", model().toString()).start().waitFor());
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString()).failure(Cli.FAILED),
        "not a regular file",
        model().toString());
  }

  @Test
  void whatCannotBeSaved() throws IOException {
    Path data = SmallData.write(folder);
    byte[] before = Files.readAllBytes(data);
    Cli.train(data, "--target y --quiet --epochs 1 --save " + data).failure(Cli.USAGE);
    assertArrayEquals(before, Files.readAllBytes(data));
    Cli run =
        Cli.train(
            data, "--target y --quiet --epochs 1 --save " + folder.resolve("none").resolve("m"));
    Cli.assertContains(run.failure(Cli.USAGE), "--save", "there is no directory");
    // Before the data were read and a model trained.
    assertTrue(run.out().isEmpty());
    Cli.assertContains(
        Cli.train(data, "--target y --quiet --epochs 1 --save " + folder).failure(Cli.USAGE),
        "is a directory");
    Path log = folder.resolve("h.csv");
    String same = "--log " + log + " --save " + folder.resolve(".").resolve("h.csv");
    Cli.assertContains(
        Cli.train(data, "--target y --quiet --epochs 1 " + same).failure(Cli.USAGE),
        "is the history file");
  }

  /** A device that takes nothing. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullDiskIsNamed() throws IOException {
    Path data = SmallData.write(folder);
    Cli.train(data, "--target y,z --quiet --epochs 2 --save " + model()).exits(Cli.DONE);
    Cli.assertContains(
        Cli.run("predict", data.toString(), "--model", model().toString(), "--out", "/dev/full")
            .failure(Cli.FAILED),
        "cannot write '/dev/full'",
        "No space left");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aModelThatCannotBeSavedIsRefusedBeforeTraining() throws IOException {
    Path data = SmallData.write(folder);
    Cli.assertContains(
        Cli.train(data, "--target y --quiet --save /dev/full").failure(Cli.USAGE),
        "--save /dev/full is not a regular file");
    Path checkpoints = folder.resolve("checkpoints");
    Cli.assertContains(
        Cli.train(data, "--target y --quiet --save " + checkpoints + " --checkpoint " + checkpoints)
            .failure(Cli.USAGE),
        "is the folder of the checkpoints");
  }
}
