package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The module works as a module: services found, resources read, SIMD on. */
class ModulePathTest {
  /** Optional for those who embed the engine. */
  private static final String LIBRARIES_OF_THE_COMMAND_LINE =
      "info.picocli,com.fasterxml.jackson.core,me.tongfei.progressbar";

  @Test
  void trainsOnTheModulePath() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector," + LIBRARIES_OF_THE_COMMAND_LINE,
                "--enable-native-access=dev.panagrad",
                "-p",
                "target/classes" + File.pathSeparator + "target/lib",
                "-m",
                "dev.panagrad/dev.panagrad.cli.Main",
                "train",
                "sample:diabetes",
                "--target",
                "progression",
                "--epochs",
                "2",
                "--quiet",
                "--json")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    assertTrue(out.replace(" ", "").contains("\"backend\":\"simd\""), out);
  }
}
