package dev.panagrad.backend.openblas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.ChildJvm;
import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendTable;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.openblas.bindings.OpenBlasBindings;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
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
  /** Runs a command whose cache folder is that of its home. */
  private static final List<String> NO_CACHE_VARIABLE = List.of("env", "-u", "XDG_CACHE_HOME");

  @TempDir private Path folder;

  private static String table(String classPath, String... options)
      throws IOException, InterruptedException {
    return table(List.of(), classPath, options);
  }

  private static String table(List<String> prefix, String classPath, String... options)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(BackendTable.WITHOUT_C2);
    all.addAll(List.of(options));
    BackendTable table = BackendTable.of(prefix, classPath, all.toArray(String[]::new));
    // Whatever happened to OpenBLAS, the automatic choice goes on.
    table.chooses("simd");
    return table.line("openblas");
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

  /** As one may be built; one symbol of the file is renamed. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void libraryWithoutLapack() throws IOException, InterruptedException {
    Path file = withoutSymbol("dpotrf_");
    String line = table(classPath(), "-Dpanagrad.openblas.path=" + file);
    refused(line, "a symbol is missing", "dpotrf_", "built with CBLAS and LAPACK");
  }

  /** Debian's has no LAPACK under C's names. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void libraryWithoutLapacke() throws IOException, InterruptedException {
    Path file = withoutSymbol("LAPACKE_dpotrf");
    String line = table(classPath(), "-Dpanagrad.openblas.path=" + file);
    assertTrue(line.startsWith("openblas    available "), line);
  }

  /** Numbers would be half as long as the library takes them for. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void libraryThatCountsWith64Bits() throws IOException, InterruptedException {
    Path file = unpacked("libopenblas");
    byte[] library = Files.readAllBytes(file);
    int at = new String(library, StandardCharsets.ISO_8859_1).indexOf(" DYNAMIC_ARCH NO_");
    assertTrue(at > 0);
    byte[] option = " USE64BITINT ".getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(option, 0, library, at, option.length);
    Files.write(file, library);
    String line = table(classPath(), "-Dpanagrad.openblas.path=" + file);
    refused(line, file.toString(), "counts with 64 bits", "without INTERFACE64");
  }

  /** The library with a symbol renamed. */
  private Path withoutSymbol(String symbol) throws IOException {
    Path file = unpacked("libopenblas");
    byte[] library = Files.readAllBytes(file);
    String text = new String(library, StandardCharsets.ISO_8859_1);
    int renamed = 0;
    for (int at = text.indexOf("\0" + symbol + "\0");
        at >= 0;
        at = text.indexOf("\0" + symbol + "\0", at + 1)) {
      library[at + symbol.length()] = 'X';
      renamed++;
    }
    assertTrue(renamed > 0);
    return Files.write(file, library);
  }

  /** The JDK will deny it by default; the remedy is its option, not another library. */
  @Test
  void deniedNativeAccess() throws IOException, InterruptedException {
    BackendTable table = BackendTable.ofDenied();
    for (String backend : List.of("openblas", "cuda")) {
      String remedy = "; remedy: start java with --enable-native-access=ALL-UNNAMED";
      assertTrue(table.refuses(backend, "Illegal native access").endsWith(remedy), table.text());
    }
    assertEquals(
        BackendTable.ofDenied("--enable-native-access=ALL-UNNAMED").line("openblas"),
        table(classPath()));
  }

  /** One library for two loaders of the program, whichever way each finds it. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void twoClassLoaders() throws IOException, InterruptedException {
    String found =
        ChildJvm.output(
            TwoLoaders.class,
            "--enable-native-access=ALL-UNNAMED",
            "-Dpanagrad.cache=" + folder,
            "-Djava.library.path=" + unpacked("libopenblas").getParent());
    assertEquals(
        8, found.lines().filter(line -> line.matches(".* opened openblas")).count(), found);
  }

  /** Opens the backend in loaders of their own that stay, and does not use its own loader's. */
  static final class TwoLoaders {
    private TwoLoaders() {}

    public static void main(String[] args) throws Exception {
      Path library = Path.of(System.getProperty("java.library.path"), "libopenblas.so.0");
      List<URL> all = new ArrayList<>();
      List<URL> withoutArtifact = new ArrayList<>();
      for (String entry : classPath().split(File.pathSeparator, -1)) {
        all.add(Path.of(entry).toUri().toURL());
        if (!entry.contains("openblas-")) {
          withoutArtifact.add(all.getLast());
        }
      }
      open("path", library.toString(), all);
      open("cache", "", all);
      open("system", "", withoutArtifact);
      System.clearProperty("panagrad.cache");
      open("default", "", all);
    }

    private static void open(String way, String path, List<URL> classPath) throws Exception {
      System.setProperty("panagrad.openblas.path", path);
      for (int i = 0; i < 2; i++) {
        ClassLoader loader =
            new URLClassLoader(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
        Class<?> options = loader.loadClass(BackendOptions.class.getName());
        Object backend =
            loader
                .loadClass(Backends.class.getName())
                .getMethod("open", String.class, options)
                .invoke(null, "openblas", options.getMethod("defaults").invoke(null));
        Object name = loader.loadClass(Backend.class.getName()).getMethod("name").invoke(backend);
        System.out.println(way + " opened " + name);
      }
    }
  }

  /**
   * Descriptors that the generated code holds, which can be read where the library is known to the
   * class loader, are those that calls are linked by.
   */
  @Test
  @EnabledOnOs(OS.LINUX)
  @SuppressWarnings("restricted")
  void linksByTheGeneratedDescriptors() throws Exception {
    System.load(unpacked("libopenblas").toString());
    for (String name : OpenBlasSymbols.NAMES) {
      if (!name.endsWith("potrf_")) {
        Object generated = OpenBlasBindings.class.getMethod(name + "$descriptor").invoke(null);
        assertEquals(generated, OpenBlasSymbols.descriptor(name), name);
      }
    }
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

  /** The same on any machine where this user may mount in a namespace that ends with the child. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void cacheOnFileSystemMountedWithoutExecution() throws IOException, InterruptedException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    List<String> mounted = mountedWithoutExecution(mount);
    String line = table(mounted, classPath(), "-Dpanagrad.cache=" + mount);
    refused(line, mount.toString(), "libopenblas", "allows execution");
    assertEquals(List.of(), list(mount), "the mount is seen outside of its namespace");
  }

  /** A home without execution: a temporary folder takes its place, if it is elsewhere. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void homeOnFileSystemMountedWithoutExecution() throws IOException, InterruptedException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    List<String> mounted = new ArrayList<>(mountedWithoutExecution(mount));
    mounted.addAll(NO_CACHE_VARIABLE);
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String home = "-Duser.home=" + mount;
    String line = table(mounted, classPath(), home, "-Djava.io.tmpdir=" + temporary);
    assumeTrue(line.contains(" available ") || required(), line);
    assertTrue(line.contains(temporary.toString()), line);
    assertEquals(List.of(), list(temporary));
    line = table(mounted, classPath(), home, "-Djava.io.tmpdir=" + mount);
    refused(line, mount.resolve(".cache").toString(), mount.resolve("panagrad-").toString());
  }

  /**
   * A command that runs the command behind it with an empty file system without execution on that
   * folder, for that command alone: as root, or as a user who becomes root of a namespace.
   */
  private static List<String> mountedWithoutExecution(Path mount) throws InterruptedException {
    String script = "mount -t tmpfs -o noexec,size=200m tmpfs \"$1\" && shift && exec \"$@\"";
    for (List<String> user : List.of(List.<String>of(), List.of("--map-root-user"))) {
      List<String> command = new ArrayList<>(List.of("unshare", "--mount"));
      command.addAll(List.of("--propagation", "private"));
      command.addAll(user);
      command.addAll(List.of("sh", "-c", script, "sh", mount.toString()));
      List<String> trial = new ArrayList<>(command);
      trial.add("true");
      try {
        Process process = new ProcessBuilder(trial).redirectErrorStream(true).start();
        process.getInputStream().readAllBytes();
        if (process.waitFor() == 0) {
          return command;
        }
      } catch (IOException e) {
        return abort("no command unshare: " + e.getMessage());
      }
    }
    return abort("this user may not mount in a namespace of its own");
  }

  private static Optional<Path> writableMountWithoutExecution() throws IOException {
    return Files.readAllLines(Path.of("/proc/mounts")).stream()
        .map(line -> line.split(" ", -1))
        .filter(fields -> fields[3].matches("(.*,)?noexec(,.*)?"))
        // Those of another machine or process may not answer.
        .filter(fields -> !fields[2].matches("nfs.*|cifs|smb.*|fuse.*|9p|autofs"))
        .map(fields -> Path.of(fields[1].replace("\\040", " ")))
        .filter(path -> Files.isDirectory(path) && Files.isWritable(path))
        .filter(path -> path.toFile().getUsableSpace() > 100_000_000)
        .findFirst();
  }

  /** A container's user without a home to write to; nothing is left behind. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void noCacheFolder() throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String line =
        table(
            NO_CACHE_VARIABLE, classPath(), "-Duser.home=" + file, "-Djava.io.tmpdir=" + temporary);
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

  /** Asked for by name, a backend that cannot run is an error; otherwise training goes on. */
  @Test
  void trainsWithSimdUnlessAskedForByName() throws IOException, InterruptedException {
    String missing = "-Dpanagrad.openblas.path=" + folder.resolve("libnone.so");
    String[] train = {"train", "sample:diabetes", "--target", "progression", "--epochs", "1"};
    String out = BackendTable.program(0, List.of(), classPath(), List.of(missing), train);
    assertTrue(out.contains("simd"), out);
    List<String> named = List.of(missing, "-Dpanagrad.backend=openblas");
    out = BackendTable.program(1, List.of(), classPath(), named, train);
    assertTrue(out.contains("'openblas' was asked for and is not available"), out);
    BackendTable table = new BackendTable(out);
    table.chooses("simd");
    table.offers("scalar");
    refused(table.line("openblas"), "libnone.so is not a file");
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
