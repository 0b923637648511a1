package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that saves again and again is killed at random moments: what it leaves is the last
 * checkpoint that it said was saved, or the next, whole, with the numbers of that step.
 */
class CheckpointKillTest {
  private static final int ROUNDS = Boolean.getBoolean("panagrad.test.slow") ? 300 : 20;

  @TempDir private Path folder;

  @Test
  void killed() throws IOException, InterruptedException {
    Path file = folder.resolve("checkpoint.safetensors");
    SplittableRandom random = new SplittableRandom(17);
    long saved = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Path said = folder.resolve("said");
      Files.deleteIfExists(said);
      Process process = start(file, said);
      try {
        while (lines(said).isEmpty() && process.isAlive()) {
          Thread.sleep(5);
        }
        Thread.sleep(random.nextInt(40), random.nextInt(999_999));
      } finally {
        process.destroyForcibly();
      }
      process.waitFor();
      List<String> steps = lines(said);
      assertFalse(steps.isEmpty(), "the process ended before it saved");
      assertEquals(Long.toString(saved + 1), steps.getFirst(), "goes on where one was killed");
      long last = Long.parseLong(steps.getLast());
      saved = stepsOf(file);
      assertTrue(saved == last || saved == last + 1, saved + " after " + last);
    }
    // What they were writing goes with the first save a minute later.
    try (Stream<Path> left = Files.list(folder)) {
      for (Path each : left.toList()) {
        Files.setLastModifiedTime(each, FileTime.from(Instant.now().minusSeconds(120)));
      }
    }
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("last")) {
      Checkpoint.save(CheckpointWriter.optimizer(backend, arena), file);
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(Set.of(file, folder.resolve("said")), left.collect(Collectors.toSet()));
    }
  }

  /** Whole lines, of which the last may be missing its end. */
  private static List<String> lines(Path said) throws IOException {
    String text = Files.exists(said) ? Files.readString(said) : "";
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private static Process start(Path file, Path said) throws IOException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-Dpanagrad.simd.force=true",
            "-cp",
            System.getProperty("java.class.path"),
            CheckpointWriter.class.getName(),
            file.toString());
    return new ProcessBuilder(command)
        .redirectOutput(said.toFile())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Restores it, and compares with as many steps made here. */
  private static long stepsOf(Path file) throws IOException {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("check")) {
      Optimizer restored = CheckpointWriter.optimizer(backend, arena);
      Checkpoint.restore(restored, file);
      Optimizer made = CheckpointWriter.optimizer(backend, arena);
      Tensor gradient = made.parameters().like(arena, "g").flat().fill(0.5);
      while (made.steps() < restored.steps()) {
        made.step(gradient);
      }
      assertArrayEquals(made.parameters().flat().toArray(), restored.parameters().flat().toArray());
      return restored.steps();
    }
  }
}
