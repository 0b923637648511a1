package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Tells every copy of OpenBLAS in this process how many threads to use. There can be several: the
 * one that {@link OpenBlasPeer} unpacks, and those that PyTorch's Java binding brings, which
 * PyTorch's own thread setting does not reach. The copy of our backend {@code openblas} is left
 * alone: it computes with one thread, and the backend shares the work between its own.
 */
final class NativeThreads {
  private static final Path MAPS = Path.of("/proc/self/maps");
  private static final Map<Path, MethodHandle> SETTERS = new HashMap<>();

  private NativeThreads() {}

  static void set(int threads) {
    for (Path copy : copiesOfOpenBlas()) {
      MethodHandle setter = SETTERS.computeIfAbsent(copy, NativeThreads::setter);
      try {
        setter.invokeExact(threads);
      } catch (Throwable e) {
        throw new IllegalStateException(copy + ": openblas_set_num_threads", e);
      }
    }
  }

  private static List<Path> copiesOfOpenBlas() {
    if (!Files.isReadable(MAPS)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(MAPS)) {
      return lines
          .filter(line -> line.contains("/libopenblas") && line.indexOf('/') > 0)
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .filter(copy -> !isOurs(copy))
          .distinct()
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(MAPS + " cannot be read", e);
    }
  }

  /** The backend unpacks into a folder with our name, of the user's cache or a temporary one. */
  private static boolean isOurs(Path copy) {
    return copy.toString().contains("/panagrad");
  }

  private static MethodHandle setter(Path copy) {
    return Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.libraryLookup(copy, Arena.global())
                .findOrThrow("openblas_set_num_threads"),
            FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
  }
}
