package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training that writes a checkpoint after every step is killed at random moments, again and
 * again, and resumed: whatever moment it was, the newest checkpoint is whole, the training goes on
 * from it, and ends in the bits of one that was left alone.
 */
class TrainingKillTest {
  private static final int ROUNDS = Boolean.getBoolean("panagrad.test.slow") ? 300 : 4;
  private static final int EPOCHS = 75 * ROUNDS;
  private static final String OUTPUT = "out.json";

  @TempDir private Path folder;

  private Process start(int epochs, String... more) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-Dpanagrad.simd.force=true",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "train",
                "sample:diabetes",
                "--target=progression",
                "--optimizer=adam",
                "--epochs=" + epochs,
                "--schedule=cosine:" + epochs + "e",
                "--quiet",
                "--json"));
    command.addAll(List.of(more));
    return new ProcessBuilder(command)
        .redirectOutput(folder.resolve(OUTPUT).toFile())
        .redirectError(folder.resolve("err.txt").toFile())
        .start();
  }

  private String result(String... more) throws IOException, InterruptedException {
    Process process = start(EPOCHS, more);
    assertTrue(process.waitFor(2, TimeUnit.MINUTES), "it goes on and on");
    assertEquals(0, process.exitValue(), Files.readString(folder.resolve("err.txt")));
    return Files.readString(folder.resolve(OUTPUT))
        .replaceAll("\"seconds\"[^,]*|\"phases\"[^}]*", "");
  }

  @Test
  void killed() throws IOException, InterruptedException {
    Path checkpoints = folder.resolve("checkpoints");
    String option = "--checkpoint=" + checkpoints;
    SplittableRandom random = new SplittableRandom(17);
    long batches = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long before = batches;
      String how = round % 2 == 0 ? "--checkpoint-keep=2" : "--checkpoint-background";
      Process process = start(EPOCHS, option, "--checkpoint-every=1steps", "--resume", how);
      try {
        while (newest(checkpoints) == before && process.isAlive()) {
          Thread.sleep(2);
        }
        Thread.sleep(random.nextInt(40), random.nextInt(999_999));
        assertTrue(process.isAlive(), "it ended before it was killed");
      } finally {
        process.destroyForcibly();
      }
      process.waitFor();
      batches = newest(checkpoints);
      assertTrue(batches > before, "it goes on where one was killed");
      requireWhole(checkpoints.resolve("checkpoint-%019d.safetensors".formatted(batches)));
    }
    String resumed = result(option, "--resume");
    assertEquals(result(), resumed);
    try (Stream<Path> files = Files.list(checkpoints)) {
      assertFalse(files.anyMatch(file -> file.toString().endsWith(".tmp")), "left behind");
    }
  }

  private static void requireWhole(Path file) throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      in.requireIntactHeader();
      for (String name : in.names()) {
        in.requireIntact(name);
      }
      assertTrue(in.names().contains("parameters/weights"), in.names().toString());
    }
  }

  private static long newest(Path checkpoints) throws IOException {
    if (!Files.exists(checkpoints)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(checkpoints)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("checkpoint-"))
          .mapToLong(name -> Long.parseLong(name.replaceAll("\\D", "")))
          .max()
          .orElse(0);
    }
  }

  /** A signal to terminate, as Ctrl-C does: a last checkpoint, the result so far, no model. */
  @Test
  void asked() throws IOException, InterruptedException {
    Path checkpoints = folder.resolve("asked");
    Path model = folder.resolve("model.safetensors");
    Process process =
        start(
            40 * EPOCHS,
            "--checkpoint=" + checkpoints,
            "--checkpoint-every=500steps",
            "--save=" + model);
    while (newest(checkpoints) == 0 && process.isAlive()) {
      Thread.sleep(2);
    }
    long seen = newest(checkpoints);
    process.destroy();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it goes on");
    assertTrue(newest(checkpoints) >= seen);
    String said = Files.readString(folder.resolve(OUTPUT));
    assertTrue(said.contains("it was asked to stop"), said);
    assertTrue(Files.readString(folder.resolve("err.txt")).contains("with --resume goes on"), said);
    assertFalse(Files.exists(model), "a model that is not trained to its end");
  }

  /** What {@code java -jar} starts in a second process ends when the first one is killed. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void killedWhereItWasStartedAgain() throws IOException, InterruptedException {
    Path checkpoints = folder.resolve("again");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "train",
            "sample:diabetes",
            "--target=progression",
            "--optimizer=adam",
            "--epochs=100000000",
            "--quiet",
            "--checkpoint=" + checkpoints,
            "--checkpoint-every=1s");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(folder.resolve(OUTPUT).toFile())
            .redirectError(folder.resolve("err.txt").toFile())
            .start();
    List<ProcessHandle> children = List.of();
    try {
      while (newest(checkpoints) == 0 && process.isAlive()) {
        Thread.sleep(5);
      }
      children = process.descendants().toList();
      assertEquals(1, children.size(), "it starts itself again for the vector module");
    } finally {
      process.destroyForcibly();
    }
    ProcessHandle child = children.getFirst();
    for (int i = 0; i < 1000 && child.isAlive(); i++) {
      Thread.sleep(20);
    }
    boolean isLeft = child.isAlive();
    child.destroyForcibly();
    assertFalse(isLeft, "it goes on unseen");
  }
}
