package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What others get: the jars that were just made, used by a program that has nothing else. Alone, by
 * -Dtest, it is of the jars that mvn package made before.
 */
@Tag("artifacts")
class ArtifactsTest {
  private static final long MOST_BYTES = 1_380_000;
  private static final Path JARS = Path.of("target/jars");
  private static final Path ENGINE = JARS.resolve("panagrad.jar");
  private static final Path SOURCES = Path.of("src/test/resources/consumer");
  private static final String VECTOR = "jdk.incubator.vector";

  @TempDir Path folder;

  private static List<String> entries(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.stream().map(ZipEntry::getName).toList();
    }
  }

  private static Attributes manifest(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes();
    }
  }

  @Test
  void theEngineIsSmallAndNothingElse() throws IOException {
    assertTrue(Files.size(ENGINE) <= MOST_BYTES, Files.size(ENGINE) + " bytes");
    List<String> entries = entries(ENGINE);
    assertTrue(entries.contains("META-INF/LICENSE"));
    assertTrue(entries.contains("module-info.class"));
    assertTrue(entries.contains("dev/panagrad/backend/cuda/CudaProvider.class"));
    assertFalse(entries.stream().anyMatch(name -> name.startsWith("dev/panagrad/cli/")));
    assertFalse(entries.stream().anyMatch(name -> name.endsWith(".fatbin")));
    Attributes manifest = manifest(ENGINE);
    assertNull(manifest.getValue(Attributes.Name.MAIN_CLASS));
    assertNull(manifest.getValue(Attributes.Name.CLASS_PATH));
    assertNotNull(manifest.getValue(Attributes.Name.IMPLEMENTATION_VERSION));
  }

  @Test
  void theOthersHaveTheRest() throws IOException {
    assertTrue(
        entries(JARS.resolve("panagrad-cuda.jar")).stream()
            .allMatch(name -> name.startsWith("META-INF/")));
    List<String> program = entries(JARS.resolve("panagrad-cli.jar"));
    assertTrue(program.contains("dev/panagrad/cli/Main.class"));
    assertTrue(
        program.stream()
            .allMatch(
                name ->
                    "dev/panagrad/cli/".startsWith(name)
                        || name.matches("(META-INF|dev/panagrad/cli)/.*")));
    assertEquals(
        -1, Files.mismatch(JARS.resolve("panagrad-cli.jar"), Path.of("target/panagrad.jar")));
    for (String other : List.of("panagrad-cuda.jar", "panagrad-cli.jar")) {
      assertTrue(entries(JARS.resolve(other)).contains("META-INF/LICENSE"), other);
    }
  }

  /** A program on the class path, compiled with every warning an error. */
  @Test
  void onTheClassPath() throws IOException, InterruptedException {
    Path classes = folder.resolve("classes");
    compile("-Xlint:all", "-cp", ENGINE, "-d", classes, SOURCES.resolve("Consumer.java"));
    String path = ENGINE + ":" + classes;
    String said = run("java", "--add-modules", VECTOR, "-cp", path, "consumer.Consumer");
    assertTrue(said.contains("simd: 3.0"), said);
    assertTrue(said.contains("CSV files need the libraries de.siegmar:fastcsv and"), said);
    assertTrue(
        run("java", "-cp", path, "consumer.Consumer").contains("scalar: 3.0"),
        "without the vector module");
  }

  @Test
  void onTheModulePath() throws IOException, InterruptedException {
    Path module = module();
    String path = ENGINE + ":" + module;
    String said =
        run("java", "--add-modules", VECTOR, "-p", path, "-m", "consumer/consumer.Consumer");
    assertTrue(said.contains("simd: 3.0"), said);
  }

  /** What is refused names the flag that this program needs. */
  @Test
  void deniedNativeAccess() throws IOException, InterruptedException {
    Path module = module();
    String start = "remedy: start java with --enable-native-access=";
    String deny = "--illegal-native-access=deny";
    String path = ENGINE + ":" + module;
    String onClassPath = run("java", deny, "-cp", path, "consumer.Consumer", "backends");
    assertTrue(onClassPath.contains(start + "ALL-UNNAMED"), onClassPath);
    String asModule = run("java", deny, "-p", path, "-m", "consumer/consumer.Consumer", "backends");
    assertTrue(asModule.contains(start + "dev.panagrad"), asModule);
  }

  private Path module() throws IOException, InterruptedException {
    Path module = folder.resolve("module");
    compile(
        "-Xlint:all,-incubating",
        "-p",
        ENGINE,
        "-d",
        module,
        SOURCES.resolve("module-info.java"),
        SOURCES.resolve("Consumer.java"));
    return module;
  }

  @Test
  void inAnImage() throws IOException, InterruptedException {
    Path image = folder.resolve("image");
    run(
        "jlink",
        "-p",
        ENGINE + ":" + module(),
        "--add-modules",
        "consumer," + VECTOR,
        "--add-options=--add-modules=" + VECTOR,
        "--output",
        image);
    String java = image.resolve("bin/java").toString();
    assertTrue(output(List.of(java, "-m", "consumer/consumer.Consumer")).contains("simd: 3.0"));
  }

  /** A jar of jars, as Spring Boot makes it and its loader reads it. */
  @Test
  void insideAnotherJar() throws IOException, InterruptedException {
    Path classes = folder.resolve("classes");
    compile("-Xlint:all", "-cp", ENGINE, "-d", classes, SOURCES.resolve("Consumer.java"));
    Path application = folder.resolve("application.jar");
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.put(
        Attributes.Name.MAIN_CLASS, "org.springframework.boot.loader.launch.JarLauncher");
    attributes.putValue("Start-Class", "consumer.Consumer");
    attributes.putValue("Spring-Boot-Classes", "BOOT-INF/classes/");
    attributes.putValue("Spring-Boot-Lib", "BOOT-INF/lib/");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(application), manifest);
        JarFile loader = new JarFile(loader().toFile())) {
      for (ZipEntry entry : loader.stream().toList()) {
        if (entry.getName().startsWith("org/")) {
          store(out, entry.getName(), loader.getInputStream(entry).readAllBytes());
        }
      }
      store(out, "BOOT-INF/", new byte[0]);
      store(out, "BOOT-INF/classes/", new byte[0]);
      store(out, "BOOT-INF/lib/", new byte[0]);
      store(
          out,
          "BOOT-INF/classes/consumer/Consumer.class",
          Files.readAllBytes(classes.resolve("consumer/Consumer.class")));
      store(out, "BOOT-INF/lib/panagrad.jar", Files.readAllBytes(ENGINE));
    }
    String said = run("java", "--add-modules", VECTOR, "-jar", application);
    assertTrue(said.contains("simd: 3.0"), said);
  }

  private static Path loader() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("target/test-lib"))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("spring-boot-loader-"))
          .findFirst()
          .orElseThrow();
    }
  }

  /** Nested jars are read where they lie, so that they must not be compressed. */
  private static void store(JarOutputStream out, String name, byte[] bytes) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 sum = new CRC32();
    sum.update(bytes);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(sum.getValue());
    out.putNextEntry(entry);
    out.write(bytes);
    out.closeEntry();
  }

  private static void compile(Object... arguments) throws IOException, InterruptedException {
    List<Object> all = new ArrayList<>(List.of("-Werror", "--release", "25"));
    all.addAll(List.of(arguments));
    assertEquals("", run("javac", all.toArray()));
  }

  private static String run(String tool, Object... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", tool).toString());
    Stream.of(arguments).map(Object::toString).forEach(command::add);
    return output(command);
  }

  /** What both streams say; the process has to succeed. */
  private static String output(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), said);
    return said;
  }
}
