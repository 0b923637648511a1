package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code benchmarks}, a build of its own on the installed engine, fits this engine: it compiles
 * beside the Java parts of what it compares with, and runs where their native parts are.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class BenchmarksTest {
  private static final Path HOME = Path.of("benchmarks");

  /** What benchmarks/pom.xml puts beside its jar. */
  private static final Path PEERS = HOME.resolve("target/lib");

  private static final Path LIBRARIES = Path.of("target/benchmark-lib");

  @TempDir private static Path classes;

  private static String pom;

  @BeforeAll
  static void read() throws IOException {
    pom = Files.readString(HOME.resolve("pom.xml"));
  }

  private static List<Path> list(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }

  private static String classPath(Path... folders) throws IOException {
    StringBuilder path = new StringBuilder("target/classes");
    for (Path folder : folders) {
      for (Path jar : list(folder, ".jar")) {
        path.append(File.pathSeparator).append(jar);
      }
    }
    return path.toString();
  }

  /** The versions in pom.xml, of the jars that it has the benchmarks compiled with, are these. */
  @Test
  @Order(1)
  void librariesAreThoseOfItsOwnBuild() throws IOException {
    for (Path jar : list(LIBRARIES, ".jar")) {
      String name = jar.getFileName().toString().replaceFirst("-(\\d.*)\\.jar$", " $1");
      String version = name.substring(name.indexOf(' ') + 1);
      assertTrue(
          pom.contains(".version>" + version + "</"), name + " is not in benchmarks/pom.xml");
    }
  }

  @Test
  @Order(2)
  void compiles() throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      List<String> options =
          List.of(
              "--release=25",
              "--add-modules=jdk.incubator.vector",
              "-proc:none",
              "-classpath",
              classPath(LIBRARIES),
              "-d",
              classes.toString());
      var sources = files.getJavaFileObjectsFromPaths(list(HOME.resolve("src/main/java"), ".java"));
      assertTrue(
          compiler.getTask(said, files, null, options, null, sources).call(), said::toString);
    }
  }

  @Test
  @Order(3)
  void runsWherePeersAreInstalled() throws IOException, InterruptedException {
    assumeTrue(Files.isDirectory(PEERS), "no peers in " + PEERS);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classes + File.pathSeparator + classPath(LIBRARIES, PEERS),
                "dev.panagrad.benchmark.Benchmarks",
                "ratios",
                "--quick",
                "--only",
                "tiny dot 16")
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    assertTrue(said.lines().anyMatch(line -> line.matches("dot f32 16,.* (ok|short)")), said);
  }
}
