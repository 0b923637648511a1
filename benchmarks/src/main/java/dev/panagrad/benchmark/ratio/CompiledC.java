package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * C sources of this jar, compiled for this processor by the {@code cc} on the path and loaded. A
 * machine without a compiler has no such peer; the reason is in the exception.
 */
final class CompiledC {
  private static final Map<String, SymbolLookup> LOADED = new HashMap<>();

  private CompiledC() {}

  /** Compiles it with those flags for the linker as well, the first time. */
  static synchronized SymbolLookup load(String name, String... libraries) {
    return LOADED.computeIfAbsent(name, _ -> compile(name, List.of(libraries)));
  }

  private static SymbolLookup compile(String name, List<String> libraries) {
    String file = name + ".c";
    try (InputStream source = CompiledC.class.getResourceAsStream("/native/" + file)) {
      Path folder = Files.createTempDirectory("ratios-c");
      folder.toFile().deleteOnExit();
      Path text = folder.resolve(file);
      Path library = folder.resolve(name + ".so");
      text.toFile().deleteOnExit();
      library.toFile().deleteOnExit();
      Files.copy(source, text);
      compile(text, library, libraries);
      return SymbolLookup.libraryLookup(library, Arena.global());
    } catch (IOException e) {
      throw new IllegalStateException(file + " cannot be compiled", e);
    }
  }

  private static void compile(Path source, Path library, List<String> libraries)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "cc",
                "-O3",
                "-march=native",
                "-fopenmp",
                // Without it a square root may have to set errno, and the loop stays scalar.
                "-fno-math-errno",
                "-fPIC",
                "-shared",
                "-o",
                library.toString(),
                source.toString()));
    command.addAll(libraries);
    command.add("-lm");
    Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (compiler.waitFor() != 0) {
        throw new IOException("cc: " + said.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
