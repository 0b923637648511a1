package dev.panagrad.backend.openblas;

import dev.panagrad.backend.openblas.bindings.OpenBlasBindings;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds and loads OpenBLAS, once per process. In this order: the file that the property {@value
 * #PATH} names, and then no other; the library in the Maven artifact {@code org.bytedeco:openblas},
 * unpacked into the {@link LibraryCache}, or into a temporary folder where no cache folder can be
 * used; the system's library.
 *
 * <p>A failed attempt is remembered with the cause of every place that was tried.
 */
final class OpenBlasLibrary {
  /** Path of a library file. */
  static final String PATH = "panagrad.openblas.path";

  private static final Logger LOG = System.getLogger(OpenBlasLibrary.class.getName());

  private static final Pattern VERSION = Pattern.compile("[0-9]+\\.[0-9.]+[^ ]*");

  private static final String OS = System.getProperty("os.name").toLowerCase(Locale.ROOT);
  static final boolean IS_WINDOWS = OS.contains("win");
  static final boolean IS_MAC = OS.contains("mac");
  private static final String SYSTEM_NAME =
      IS_WINDOWS ? "libopenblas.dll" : IS_MAC ? "libopenblas.dylib" : "libopenblas.so.0";
  // Where systems put libraries, after those that java.library.path names.
  private static final List<String> FOLDERS =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/usr/lib",
          "/opt/homebrew/opt/openblas/lib");

  private static OpenBlasLibrary loaded;
  private static List<Throwable> failed;

  private final Path file;
  private final String core;
  private final String version;

  private OpenBlasLibrary(Path file) {
    this.file = file;
    requireSymbols();
    // Before any work: the library's own threads spin for 100 ms after each call.
    OpenBlasBindings.openblas_set_num_threads(1);
    core = OpenBlasBindings.openblas_get_corename().getString(0);
    // "OpenBLAS 0.3.31 DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64"
    Matcher config = VERSION.matcher(OpenBlasBindings.openblas_get_config().getString(0));
    version = config.find() ? config.group() : "of unknown version";
  }

  /** Path, version and processor type. */
  String describe() {
    return "OpenBLAS %s for %s, 1 thread inside, %s".formatted(version, core, file);
  }

  /** The library. Throws {@link UnsatisfiedLinkError} if there is none, with what was tried. */
  static synchronized OpenBlasLibrary load() {
    if (loaded == null && failed == null) {
      List<Throwable> causes = new ArrayList<>();
      loaded = attempt(causes);
      failed = causes;
    }
    if (loaded == null) {
      UnsatisfiedLinkError error =
          new UnsatisfiedLinkError(
              String.join("; ", failed.stream().map(OpenBlasLibrary::summary).toList()));
      failed.forEach(error::addSuppressed);
      throw error;
    }
    return loaded;
  }

  private static String summary(Throwable e) {
    boolean isOurs = e instanceof UnsatisfiedLinkError || e instanceof IOException;
    return isOurs ? e.getMessage() : e.toString();
  }

  private static OpenBlasLibrary attempt(List<Throwable> causes) {
    String property = System.getProperty(PATH, "");
    if (!property.isBlank()) {
      return fromFile(Path.of(property), causes);
    }
    URL bundled = bundled();
    if (bundled == null) {
      String artifact = "org.bytedeco:openblas for " + platform();
      causes.add(new IOException("no artifact " + artifact + " on the class path"));
    } else {
      OpenBlasLibrary library = null;
      for (Path root : LibraryCache.named().map(List::of).orElseGet(LibraryCache::roots)) {
        library = library == null ? fromCache(bundled, root, causes) : library;
      }
      if (library == null && LibraryCache.named().isEmpty()) {
        library = fromTemporaryFolder(bundled, causes);
      }
      if (library != null) {
        return library;
      }
    }
    Path system = system();
    if (system == null) {
      causes.add(new IOException("no " + SYSTEM_NAME + " in the system's library folders"));
      return null;
    }
    return fromFile(system, causes);
  }

  private static OpenBlasLibrary fromCache(URL bundled, Path root, List<Throwable> causes) {
    try {
      return fromFile(main(LibraryCache.unpack(bundled, root)), causes);
    } catch (IOException e) {
      causes.add(new IOException("unpacking to " + root + ": " + e, e));
      return null;
    }
  }

  /**
   * For a process without a home to write to. The folder is this process's own, with a name that
   * nobody can foresee, and is deleted once the library is loaded, where the system allows that.
   */
  private static OpenBlasLibrary fromTemporaryFolder(URL bundled, List<Throwable> causes) {
    Path folder;
    try {
      folder = Files.createTempDirectory("panagrad-");
    } catch (IOException e) {
      causes.add(e);
      return null;
    }
    OpenBlasLibrary library = fromCache(bundled, folder, causes);
    try {
      LibraryCache.delete(folder);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "left behind: " + folder, e);
    }
    return library;
  }

  private static OpenBlasLibrary fromFile(Path file, List<Throwable> causes) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + " is not a file");
      }
      loadNative(file.toAbsolutePath());
      return new OpenBlasLibrary(file);
    } catch (IOException | LinkageError e) {
      causes.add(e);
      return null;
    }
  }

  /** On Windows, what a library needs is not looked for beside it: it is loaded first. */
  private static void loadNative(Path file) throws IOException {
    if (IS_WINDOWS) {
      try (Stream<Path> beside = Files.list(file.getParent())) {
        for (Path other : beside.filter(f -> f.toString().endsWith(".dll")).sorted().toList()) {
          if (!other.equals(file)) {
            System.load(other.toString());
          }
        }
      }
    }
    System.load(file.toString());
  }

  private static Path main(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("libopenblas"))
          .findFirst()
          .orElseThrow(() -> new IOException("no libopenblas in " + folder));
    }
  }

  private static URL bundled() {
    ClassLoader loader = OpenBlasLibrary.class.getClassLoader();
    String folder = "org/bytedeco/openblas/" + platform() + "/";
    for (String name : List.of("libopenblas.so.0", "libopenblas.0.dylib", "libopenblas.dll")) {
      URL found = loader.getResource(folder + name);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** As the artifact's classifiers say it. */
  private static String platform() {
    String system = IS_WINDOWS ? "windows" : IS_MAC ? "macosx" : "linux";
    String arch = System.getProperty("os.arch");
    return system + "-" + (arch.equals("aarch64") ? "arm64" : "x86_64");
  }

  private static Path system() {
    String path = System.getProperty("java.library.path", "");
    String separator = Pattern.quote(System.getProperty("path.separator"));
    return Stream.concat(Pattern.compile(separator).splitAsStream(path), FOLDERS.stream())
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, SYSTEM_NAME))
        .filter(Files::isRegularFile)
        .findFirst()
        .orElse(null);
  }

  /** Each binding looks its symbol up when it is first used; a missing one is to be found now. */
  private static void requireSymbols() {
    List<Supplier<MemorySegment>> symbols =
        List.of(
            OpenBlasBindings::cblas_sgemm$address,
            OpenBlasBindings::cblas_dgemm$address,
            OpenBlasBindings::cblas_sgemv$address,
            OpenBlasBindings::cblas_dgemv$address,
            OpenBlasBindings::cblas_ssyrk$address,
            OpenBlasBindings::cblas_dsyrk$address,
            OpenBlasBindings::LAPACKE_spotrf$address,
            OpenBlasBindings::LAPACKE_dpotrf$address,
            OpenBlasBindings::openblas_set_num_threads$address,
            OpenBlasBindings::openblas_get_num_threads$address,
            OpenBlasBindings::openblas_get_corename$address,
            OpenBlasBindings::openblas_get_config$address);
    for (Supplier<MemorySegment> symbol : symbols) {
      try {
        Objects.requireNonNull(symbol.get());
      } catch (ExceptionInInitializerError e) {
        throw new UnsatisfiedLinkError(
            "a symbol is missing from the library: " + e.getCause().getMessage());
      }
    }
  }
}
