package dev.panagrad.backend.cuda;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Finds and loads the CUDA driver and cuBLAS, once per process, when they are first asked for.
 *
 * <pre>
 *   driver   1. property panagrad.cuda.library, else environment PANAGRAD_CUDA_LIBRARY: that file and no other
 *            2. libcuda.so.1 where the system's loader finds it, then in the usual folders
 *   cuBLAS   1. property panagrad.cublas.library, else environment PANAGRAD_CUBLAS_LIBRARY: that file and no other
 *            2. libcublas.so.13, .12, .11 in CUDA_HOME, CUDA_PATH, the usual folders, Python's wheels;
 *               then where the system's loader finds it
 * </pre>
 *
 * The bindings look symbols up in the libraries that this class loaded. A failed attempt is
 * remembered with every place that was tried.
 */
final class CudaLibraries {
  static final String DRIVER = "panagrad.cuda.library";
  static final String CUBLAS = "panagrad.cublas.library";

  private static final String DRIVER_NAME = "libcuda.so.1";
  // What a driver and what a cuBLAS has; another library under the name is not taken.
  private static final String DRIVER_SYMBOL = "cuDriverGetVersion";

  private static final String CUBLAS_SYMBOL = "cublasGetProperty";
  // Newest first: an older one only serves where no newer is installed.
  private static final List<String> CUBLAS_NAMES =
      List.of("libcublas.so.13", "libcublas.so.12", "libcublas.so.11");

  private static final List<String> DRIVER_FOLDERS =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/usr/lib/wsl/lib",
          "/usr/local/nvidia/lib64",
          "/usr/local/nvidia/lib");

  private static final List<String> CUBLAS_FOLDERS =
      List.of(
          "/usr/local/cuda/lib64",
          "/usr/local/cuda/targets/x86_64-linux/lib",
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/opt/cuda/lib64");

  private static final Logger LOG = System.getLogger(CudaLibraries.class.getName());

  private static Found driver;
  private static Found cublas;

  private CudaLibraries() {}

  /** The outcome of a search: the library or null, and what was tried in vain. */
  private record Found(Path path, List<String> tried) {
    Path orThrow(String what) {
      if (path == null) {
        throw new UnsatisfiedLinkError(what + " was not found: " + String.join("; ", tried));
      }
      return path;
    }
  }

  /** Loads the driver. Throws {@link UnsatisfiedLinkError} with the places that were tried. */
  static synchronized Path driver() {
    if (driver == null) {
      driver = find(DRIVER, DRIVER_SYMBOL, CudaLibraries::findDriver);
    }
    return driver.orThrow("the CUDA driver " + DRIVER_NAME);
  }

  /** Loads cuBLAS, as {@link #driver} loads the driver. */
  static synchronized Path cublas() {
    if (cublas == null) {
      cublas = find(CUBLAS, CUBLAS_SYMBOL, CudaLibraries::findCublas);
    }
    return cublas.orThrow("cuBLAS " + String.join(" or ", CUBLAS_NAMES));
  }

  private static Found find(
      String property, String symbol, Function<List<String>, Path> elsewhere) {
    List<String> tried = new ArrayList<>();
    if (named(property).isEmpty()) {
      return new Found(elsewhere.apply(tried), tried);
    }
    Path file = Path.of(named(property)).toAbsolutePath();
    boolean isLoaded = load(file, symbol, tried);
    return new Found(isLoaded ? file : null, tried.stream().map(t -> t + by(property)).toList());
  }

  private static Path findDriver(List<String> tried) {
    String system = System.getProperty("os.name");
    if (!system.equals("Linux")) {
      tried.add("this is " + system + ", not Linux");
      return null;
    }
    Path bySystem = bySystem(DRIVER_NAME, DRIVER_SYMBOL, tried);
    return bySystem != null
        ? bySystem
        : firstOf(DRIVER_FOLDERS, List.of(DRIVER_NAME), DRIVER_SYMBOL, tried);
  }

  private static Path findCublas(List<String> tried) {
    Path found = firstOf(cublasFolders(), CUBLAS_NAMES, CUBLAS_SYMBOL, tried);
    for (int i = 0; found == null && i < CUBLAS_NAMES.size(); i++) {
      found = bySystem(CUBLAS_NAMES.get(i), CUBLAS_SYMBOL, tried);
    }
    return found;
  }

  private static String by(String property) {
    return System.getProperty(property, "").isBlank()
        ? ", named by environment variable " + variable(property)
        : ", named by property " + property;
  }

  private static String variable(String property) {
    return property.toUpperCase(Locale.ROOT).replace('.', '_');
  }

  /** The property, else the environment variable of the same name in capitals, else empty. */
  static String named(String property) {
    String value = System.getProperty(property);
    if (value == null || value.isBlank()) {
      value = System.getenv(variable(property));
    }
    return value == null ? "" : value.strip();
  }

  private static Path firstOf(
      List<String> folders, List<String> names, String symbol, List<String> tried) {
    for (String name : names) {
      for (String folder : folders) {
        Path file = Path.of(folder, name);
        if (Files.isRegularFile(file) && load(file, symbol, tried)) {
          return file;
        }
      }
    }
    tried.add("not in " + String.join(", ", folders));
    return null;
  }

  /**
   * Loads it for the bindings, whose lookup sees what this class's loader has loaded. The symbol is
   * looked for in the file itself: the bindings would find that of another library too.
   */
  @SuppressWarnings("restricted")
  private static boolean load(Path file, String symbol, List<String> tried) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + " is not a file");
      }
      System.load(file.toAbsolutePath().toString());
      if (SymbolLookup.libraryLookup(file, Arena.global()).find(symbol).isEmpty()) {
        throw new IOException(file + " has no symbol " + symbol);
      }
      return true;
    } catch (IOException | UnsatisfiedLinkError | IllegalArgumentException e) {
      tried.add(e.getMessage());
      return false;
    }
  }

  /**
   * The system's loader takes a name and does not say which file it took, and the bindings' lookup
   * wants a file: it is read off the process's own memory map.
   */
  @SuppressWarnings("restricted")
  private static Path bySystem(String name, String symbol, List<String> tried) {
    try {
      SymbolLookup.libraryLookup(name, Arena.global());
      Path file = mapped(name.substring(0, name.indexOf(".so")) + ".so");
      return file != null && load(file, symbol, tried) ? file : null;
    } catch (IllegalArgumentException e) {
      tried.add("the system's loader has no " + name);
    } catch (IOException e) {
      tried.add(e.toString());
    }
    return null;
  }

  private static Path mapped(String prefix) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .filter(line -> line.indexOf('/') >= 0)
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .filter(path -> path.getFileName().toString().startsWith(prefix))
          .findFirst()
          .orElse(null);
    }
  }

  private static List<String> cublasFolders() {
    Set<String> folders = new LinkedHashSet<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = System.getenv(variable);
      if (home != null && !home.isBlank()) {
        folders.add(home + "/lib64");
        folders.add(home + "/lib");
      }
    }
    folders.addAll(CUBLAS_FOLDERS);
    for (Path packages : pythonPackages()) {
      // Wheels for CUDA 13 share one folder; those before it have one for each library.
      folders.add(packages.resolve("nvidia/cu13/lib").toString());
      folders.add(packages.resolve("nvidia/cublas/lib").toString());
    }
    return List.copyOf(folders);
  }

  private static List<Path> pythonPackages() {
    List<Path> packages = new ArrayList<>();
    for (String root :
        new String[] {
          System.getenv("VIRTUAL_ENV"),
          System.getenv("CONDA_PREFIX"),
          System.getProperty("user.home") + "/.local",
          "/usr/local",
          "/usr"
        }) {
      if (root == null || root.isBlank() || !Files.isDirectory(Path.of(root, "lib"))) {
        continue;
      }
      try (DirectoryStream<Path> versions =
          Files.newDirectoryStream(Path.of(root, "lib"), "python3*")) {
        for (Path version : versions) {
          for (String name : List.of("site-packages", "dist-packages")) {
            if (Files.isDirectory(version.resolve(name).resolve("nvidia"))) {
              packages.add(version.resolve(name));
            }
          }
        }
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "Python's folders below " + root, e);
      }
    }
    return packages;
  }
}
