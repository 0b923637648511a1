package dev.panagrad.backend.openblas;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds and loads OpenBLAS, once per class loader. In this order: the file that the property
 * {@value #PATH} names, and then no other; the library in the Maven artifact {@code
 * org.bytedeco:openblas}, unpacked into the {@link LibraryCache}, or into a temporary folder where
 * no cache folder can be used; the system's library.
 *
 * <p>A failed attempt is remembered with the cause of every place that was tried. The library stays
 * for the life of the process, also where the class loader ends: code of its own may still run.
 */
final class OpenBlasLibrary {
  /** Path of a library file. */
  static final String PATH = "panagrad.openblas.path";

  private static final String CACHE_REMEDY =
      "name a folder that this user owns, on a file system that allows execution, with -D"
          + LibraryCache.PROPERTY;

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
  private static List<UnusableLibraryError> failed;

  private final Path file;
  private final OpenBlasSymbols symbols;
  private final String core;
  private final String version;

  private OpenBlasLibrary(Path file, SymbolLookup lookup) {
    this.file = file;
    symbols = new OpenBlasSymbols(file, lookup);
    // "OpenBLAS 0.3.31 DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64"
    String config = symbols.config();
    if (config.contains("USE64BITINT")) {
      throw new UnusableLibraryError(
          file + " counts with 64 bits, and is called with 32 (" + config + ")",
          "name an OpenBLAS that was built without INTERFACE64 with -D" + PATH,
          null);
    }
    symbols.useOneThread();
    core = symbols.core();
    Matcher found = VERSION.matcher(config);
    version = found.find() ? found.group() : "of unknown version";
  }

  /** Path, version and processor type. */
  String describe() {
    return "OpenBLAS %s for %s, 1 thread inside, %s".formatted(version, core, file);
  }

  OpenBlasSymbols symbols() {
    return symbols;
  }

  /**
   * The library.
   *
   * @throws UnusableLibraryError if there is none, with what was tried and the remedy of the first
   * @throws IllegalCallerException if this process denies this module native access
   */
  static synchronized OpenBlasLibrary load() {
    if (loaded == null && failed == null) {
      List<UnusableLibraryError> causes = new ArrayList<>();
      loaded = attempt(causes);
      failed = causes;
    }
    if (loaded == null) {
      UnusableLibraryError first = failed.getFirst();
      UnusableLibraryError all =
          new UnusableLibraryError(
              String.join("; ", failed.stream().map(Throwable::getMessage).toList()),
              first.remedy(),
              first);
      failed.stream().skip(1).forEach(all::addSuppressed);
      throw all;
    }
    return loaded;
  }

  private static OpenBlasLibrary attempt(List<UnusableLibraryError> causes) {
    String property = System.getProperty(PATH, "");
    if (!property.isBlank()) {
      String remedy = "name the file of an OpenBLAS for this machine with -D" + PATH;
      return fromFile(Path.of(property), remedy, causes);
    }
    URL bundled = bundled();
    if (bundled == null) {
      String artifact = "org.bytedeco:openblas for " + platform();
      String where =
          OpenBlasLibrary.class.getModule().isNamed()
              ? "the class path, beside the module path"
              : "the class path";
      causes.add(
          new UnusableLibraryError(
              "no artifact " + artifact + " on the class path",
              "put the jar of %s on %s, or name a library file with -D%s"
                  .formatted(artifact, where, PATH),
              null));
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
    String install = "install OpenBLAS, or name a library file with -D" + PATH;
    Path system = system();
    if (system == null) {
      String reason = "no " + SYSTEM_NAME + " in the system's library folders";
      causes.add(new UnusableLibraryError(reason, install, null));
      return null;
    }
    return fromFile(system, install, causes);
  }

  private static OpenBlasLibrary fromCache(
      URL bundled, Path root, List<UnusableLibraryError> causes) {
    try {
      return fromFile(main(LibraryCache.unpack(bundled, root)), CACHE_REMEDY, causes);
    } catch (IOException e) {
      causes.add(new UnusableLibraryError("unpacking to " + root + ": " + e, CACHE_REMEDY, e));
      return null;
    }
  }

  /**
   * For a process without a home to write to. The folder is this process's own, with a name that
   * nobody can foresee, and is deleted once the library is loaded, where the system allows that.
   */
  private static OpenBlasLibrary fromTemporaryFolder(
      URL bundled, List<UnusableLibraryError> causes) {
    Path folder;
    try {
      folder = Files.createTempDirectory("panagrad-");
    } catch (IOException e) {
      causes.add(new UnusableLibraryError(e.toString(), CACHE_REMEDY, e));
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

  private static OpenBlasLibrary fromFile(
      Path file, String remedy, List<UnusableLibraryError> causes) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + " is not a file");
      }
      return new OpenBlasLibrary(file, open(file.toAbsolutePath()));
    } catch (UnusableLibraryError e) {
      causes.add(e);
    } catch (IOException | LinkageError e) {
      causes.add(new UnusableLibraryError(e.getMessage(), remedy, e));
    }
    return null;
  }

  /** On Windows, what a library needs is not looked for beside it: it is loaded first. */
  private static SymbolLookup open(Path file) throws IOException {
    if (IS_WINDOWS) {
      try (Stream<Path> beside = Files.list(file.getParent())) {
        for (Path other : beside.filter(f -> f.toString().endsWith(".dll")).sorted().toList()) {
          if (!other.equals(file)) {
            SymbolLookup _ = lookup(other);
          }
        }
      }
    }
    return lookup(file);
  }

  /** Loads a library for as long as the process lives; any number of class loaders may. */
  @SuppressWarnings("restricted")
  private static SymbolLookup lookup(Path file) {
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      // Says only that it failed; this fails too, and says why.
      System.load(file.toString());
      throw new LinkageError(e.getMessage(), e);
    }
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
}
