package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program in a JVM of its own, with and without the vector module. */
class ProcessTest {
  private static final String MODULE = "jdk.incubator.vector";
  private static final List<String> PLAIN = List.of();
  private static final List<String> WITH_MODULE = List.of("--add-modules", MODULE);
  private static final List<String> NO_RELAUNCH = List.of("-Dpanagrad.relaunch=false");

  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeData() {
    data = SmallData.write(folder);
  }

  private Cli start(List<String> jvm, String line) throws IOException, InterruptedException {
    return Cli.start(folder, jvm, Map.of(), line.formatted(data).split(" ", -1));
  }

  @Test
  void startsItselfAgainForSimd() throws IOException, InterruptedException {
    JsonNode json = start(PLAIN, "train %s --target y --epochs 2 --json").json();
    assertEquals("simd", json.get("backend").asText());
  }

  @Test
  void takesSimdWhereModuleIsEnabled() throws IOException, InterruptedException {
    JsonNode json = start(WITH_MODULE, "train %s --target y --epochs 2 --json").json();
    assertEquals("simd", json.get("backend").asText());
  }

  @Test
  void simdWithoutModuleIsRefused() throws IOException, InterruptedException {
    Cli run = start(NO_RELAUNCH, "train %s --target y --backend simd").exits(Cli.FAILED);
    Cli.assertContains(
        run.err(), "simd", "module " + MODULE + " is not enabled", "--add-modules " + MODULE);
    assertFalse(run.err().contains("\tat "), run.err());
    assertEquals("", run.out());
  }

  @Test
  void autoWithoutModuleSaysWhyItIsScalar() throws IOException, InterruptedException {
    Cli run = start(NO_RELAUNCH, "train %s --target y --epochs 2 --json --quiet");
    assertEquals("scalar", run.json().get("backend").asText());
    Cli.assertContains(run.err(), "simd", "not enabled", "--add-modules " + MODULE);
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @ParameterizedTest
  @CsvSource({
    "train %s --target why, 1, did you mean",
    "train %s --epochs many --target y, 2, many"
  })
  void passesStatusOn(String line, int status, String found)
      throws IOException, InterruptedException {
    Cli run = start(PLAIN, line).exits(status);
    Cli.assertContains(run.err(), found);
    assertEquals("", run.out());
  }

  @Test
  void passesJvmOptionsOn() throws IOException, InterruptedException {
    JsonNode json =
        start(List.of("-Dpanagrad.backend=scalar"), "train %s --target y --epochs 2 --json").json();
    assertEquals("scalar", json.get("backend").asText());
  }

  @Test
  void environmentNamesBackend() throws IOException, InterruptedException {
    Cli run =
        Cli.start(
            folder,
            WITH_MODULE,
            Map.of("PANAGRAD_BACKEND", "scalar"),
            "train",
            data.toString(),
            "--target",
            "y",
            "--epochs",
            "2",
            "--json");
    assertEquals("scalar", run.json().get("backend").asText());
  }

  @Test
  void backendsWithoutModule() throws IOException, InterruptedException {
    Cli run = start(NO_RELAUNCH, "backends").exits(Cli.DONE);
    assertTrue(run.out().lines().anyMatch(l -> l.matches("scalar +\\* available .+")), run::out);
    assertTrue(
        run.out()
            .lines()
            .anyMatch(l -> l.matches("simd +unavailable .*--add-modules " + MODULE + ".*")),
        run::out);
  }

  /** Blanks in arguments survive the second start. */
  @Test
  void argumentsWithBlanks() throws IOException, InterruptedException {
    Path file = folder.resolve("my data.csv");
    Files.writeString(file, "first one,the y\n1,2\n2,3\n4,6\n");
    Cli run =
        Cli.start(
            folder,
            PLAIN,
            Map.of(),
            "train",
            file.toString(),
            "--target",
            "the y",
            "--epochs",
            "2",
            "--json");
    assertEquals("first one", run.json().at("/features/0").asText());
  }

  @Test
  void directory() throws IOException, InterruptedException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Cli run = start(WITH_MODULE, "train " + empty + " --target y --quiet").exits(Cli.FAILED);
    Cli.assertContains(run.err(), empty.toString(), "directory");
  }

  /**
   * Beside a jar at a place with a blank: without a cache, with one, and with one of another jar.
   */
  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void launcher() throws IOException, InterruptedException {
    Path home = Files.createDirectory(folder.resolve("a b"));
    Path script = Files.copy(Path.of("src/main/scripts/panagrad"), home.resolve("panagrad"));
    Path jar = home.resolve("panagrad.jar");
    StringBuilder paths = new StringBuilder("Class-Path:");
    for (String path : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (path.endsWith(".jar")) {
        paths.append(" \n ").append(Path.of(path).toUri());
      }
    }
    Path manifest = Files.writeString(folder.resolve("manifest"), paths + "\n");
    ToolProvider tool = ToolProvider.findFirst("jar").orElseThrow();
    String[] line = {"c0fm", jar.toString(), manifest.toString(), "-C", "target/classes", "."};
    assertEquals(0, tool.run(System.out, System.err, line));
    String train = "train %s --target y --epochs 2 --json".formatted(data);
    String found = launched(script, 0, train);
    assertTrue(found.matches("(?s).*\"backend\" *: *\"simd\".*"), found);
    assertEquals("", launched(script, 0, "cache"));
    assertTrue(Files.size(home.resolve("panagrad.aot")) > 1_000_000);
    assertEquals(found, launched(script, 0, train));
    Files.setLastModifiedTime(jar, FileTime.fromMillis(0));
    assertEquals(found, launched(script, 0, train));
    assertEquals("", launched(script, 2, "train"));
    assertEquals("", launched(script, 2, "cache train"));
    Files.delete(jar);
    assertEquals("", launched(script, 1, "cache"));
  }

  private String launched(Path script, int status, String line)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(line.split(" ", -1)));
    Path errors = folder.resolve("errors");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String said = Files.readString(errors);
    assertEquals(status, process.waitFor(), said);
    assertFalse(status == 0 && said.contains("[error]"), said);
    return out.replaceAll("\"seconds\"[^,]*|\"phases\"[^}]*", "");
  }
}
