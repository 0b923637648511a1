package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files in a JVM of 64 MiB: cut anywhere, with any byte changed. What the small files of
 * Parquet allow in a few seconds is every 41st byte; the rest is in the slow run.
 */
class HostileTablesTest {
  private static final boolean SLOW = Boolean.getBoolean("panagrad.test.slow");

  @TempDir private Path folder;

  private void attack(int stride, String... files) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx64m",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.util.logging.config.file=src/test/resources/logging.properties",
            "-cp",
            System.getProperty("java.class.path"),
            HostileTables.class.getName(),
            folder.resolve("x").toString(),
            Integer.toString(stride)));
    for (String file : files) {
      command.add(TableFixtures.FOLDER.resolve(file).toString());
    }
    Path said = folder.resolve("said");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      assertTrue(process.waitFor(SLOW ? 600 : 60, TimeUnit.SECONDS), "hangs: " + files[0]);
    } finally {
      process.destroyForcibly();
    }
    String output = Files.readString(said);
    assertEquals(0, process.exitValue(), output);
    assertTrue(output.matches("(?s).*read [1-9][0-9]*, refused [1-9][0-9]*\\s*"), output);
  }

  @Test
  void arrow() throws IOException, InterruptedException {
    attack(SLOW ? 1 : 5, "tiny.arrow", "tiny.arrows", "tiny-lz4.arrow");
  }

  @Test
  void parquet() throws IOException, InterruptedException {
    attack(SLOW ? 1 : 41, "tiny.parquet", "tiny-v2.parquet");
  }

  @Test
  void largerFiles() throws IOException, InterruptedException {
    if (SLOW) {
      attack(1, "kinds.arrow", "kinds.ipc");
      attack(41, "numbers-lz4.arrow", "numbers-zstd.arrows", "numbers.feather", "numbers.arrow");
      attack(7, "kinds.parquet");
      attack(
          301,
          "numbers-snappy.parquet",
          "numbers-split.parquet",
          "numbers-lz4.parquet",
          "numbers-zstd.parquet",
          "numbers-v2.parquet",
          "numbers-crc.parquet");
    } else {
      attack(6007, "numbers-zstd.arrows", "numbers-split.parquet", "numbers-lz4.parquet");
    }
  }
}
