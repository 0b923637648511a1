package dev.panagrad.backend.openblas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Availability;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What happens where the library is missing, broken or cannot be executed. A process loads a
 * library once, so each case is a process of its own that prints the table of backends.
 */
class OpenBlasLibraryTest {
  @TempDir private Path folder;

  private static String table(String classPath, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classPath, "dev.panagrad.cli.Main", "backends"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    // Whatever happened to OpenBLAS, the automatic choice goes on.
    assertTrue(out.contains("simd      * available"), out);
    return out.lines().filter(line -> line.startsWith("openblas")).findFirst().orElseThrow();
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }

  private static void refused(String line, String... parts) {
    assertTrue(line.startsWith("openblas    unavailable"), line);
    assertTrue(line.contains("remedy: "), line);
    Arrays.stream(parts).forEach(part -> assertTrue(line.contains(part), part + " in: " + line));
  }

  @Test
  void saysVersionCoreAndPath() {
    Availability found = new OpenBlasProvider().probe();
    assumeTrue(
        found instanceof Availability.Available || required(), "no OpenBLAS on this machine");
    String detail = ((Availability.Available) found).detail();
    assertTrue(
        detail.matches("OpenBLAS [0-9.]+.* for [A-Za-z]+, 1 thread inside, .*openblas.*"), detail);
  }

  private static boolean required() {
    return System.getProperty("panagrad.test.require", "").contains("openblas");
  }

  @Test
  void missingFile() throws IOException, InterruptedException {
    String path = folder.resolve("libnone.so").toString();
    refused(table(classPath(), "-Dpanagrad.openblas.path=" + path), path, "is not a file");
  }

  @Test
  void fileThatIsNoLibrary() throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("libtext.so"), "not a library");
    refused(table(classPath(), "-Dpanagrad.openblas.path=" + file), file.toString());
  }

  /** An ELF file for another processor: the machine field of the header is changed. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void libraryOfAnotherArchitecture() throws IOException, InterruptedException {
    byte[] library = Files.readAllBytes(unpacked("libgcc_s"));
    library[18] = (byte) 0xF3; // EM_RISCV
    Path file = Files.write(folder.resolve("libother.so"), library);
    refused(table(classPath(), "-Dpanagrad.openblas.path=" + file), file.toString());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void libraryWithoutTheSymbols() throws IOException, InterruptedException {
    refused(
        table(classPath(), "-Dpanagrad.openblas.path=" + unpacked("libgcc_s")),
        "a symbol is missing",
        "cblas_sgemm");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void noArtifactOnTheClassPath() throws IOException, InterruptedException {
    assumeTrue(!Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libopenblas.so.0")));
    String without =
        Arrays.stream(classPath().split(File.pathSeparator, -1))
            .filter(entry -> !entry.contains("openblas-"))
            .collect(Collectors.joining(File.pathSeparator));
    refused(table(without), "no artifact org.bytedeco:openblas", "system's library folders");
  }

  @Test
  void cacheThatCannotBeWritten() throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    refused(table(classPath(), "-Dpanagrad.cache=" + file.resolve("below")), "unpacking to");
  }

  /** A file system that allows no execution, where the machine has one that can be written. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void cacheOnFileSystemWithoutExecution() throws IOException, InterruptedException {
    Optional<Path> mount = writableMountWithoutExecution();
    assumeTrue(mount.isPresent(), "no writable file system is mounted with noexec");
    Path cache = Files.createTempDirectory(mount.get(), "panagrad-test");
    try {
      refused(table(classPath(), "-Dpanagrad.cache=" + cache), "libopenblas", "allows execution");
    } finally {
      delete(cache);
    }
  }

  private static Optional<Path> writableMountWithoutExecution() throws IOException {
    return Files.readAllLines(Path.of("/proc/mounts")).stream()
        .map(line -> line.split(" ", -1))
        .filter(fields -> fields[2].equals("tmpfs") && fields[3].matches("(.*,)?noexec(,.*)?"))
        .map(fields -> Path.of(fields[1]))
        .filter(path -> Files.isDirectory(path) && Files.isWritable(path))
        .filter(path -> path.toFile().getUsableSpace() > 100_000_000)
        .findFirst();
  }

  /** A container's user without a home to write to; nothing is left behind. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void noCacheFolder() throws IOException, InterruptedException {
    assumeTrue(System.getenv("XDG_CACHE_HOME") == null);
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String line = table(classPath(), "-Duser.home=" + file, "-Djava.io.tmpdir=" + temporary);
    assumeTrue(line.contains(" available ") || required(), line);
    assertTrue(line.contains(temporary.toString()), line);
    assertEquals(List.of(), list(temporary));
  }

  /** Unpacked once; a second process finds the files whole and leaves them alone. */
  @Test
  void unpacksOnce() throws IOException, InterruptedException {
    String first = table(classPath(), "-Dpanagrad.cache=" + folder);
    assumeTrue(first.contains(" available "), first);
    List<Path> files = list(folder);
    assertEquals(1, files.size(), files.toString());
    assertFalse(files.getFirst().getFileName().toString().startsWith("unpacking"));
    Path library =
        list(files.getFirst()).stream()
            .filter(f -> f.getFileName().toString().startsWith("libopenblas"))
            .findFirst()
            .orElseThrow();
    var written = Files.getLastModifiedTime(library);
    assertEquals(first, table(classPath(), "-Dpanagrad.cache=" + folder));
    assertEquals(written, Files.getLastModifiedTime(library));
  }

  /** A library of the bundled artifact, unpacked for this test. */
  private Path unpacked(String prefix) throws IOException {
    String name = "org/bytedeco/openblas/linux-x86_64/libopenblas.so.0";
    URL resource = OpenBlasLibraryTest.class.getClassLoader().getResource(name);
    assumeTrue(resource != null, "no OpenBLAS for this machine");
    return list(LibraryCache.unpack(resource, folder)).stream()
        .filter(file -> file.getFileName().toString().startsWith(prefix))
        .findFirst()
        .orElseThrow();
  }

  private static List<Path> list(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.toList();
    }
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }
}
