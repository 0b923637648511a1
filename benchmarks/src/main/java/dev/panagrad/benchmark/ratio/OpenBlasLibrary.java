package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Unpacks OpenBLAS from its jar and loads it, without JavaCPP. */
final class OpenBlasLibrary {
  private static final String FOLDER = "/org/bytedeco/openblas/linux-x86_64/";

  /** Each needs those before it; the loader finds what is loaded already by its name. */
  private static final List<String> FILES =
      List.of("libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0");

  private OpenBlasLibrary() {}

  static SymbolLookup load() {
    try {
      Path folder = Files.createTempDirectory("ratios-openblas");
      folder.toFile().deleteOnExit();
      for (String file : FILES) {
        unpack(file, folder.resolve(file));
      }
      SymbolLookup last = null;
      for (String file : FILES) {
        last = SymbolLookup.libraryLookup(folder.resolve(file), Arena.global());
      }
      return last;
    } catch (IOException e) {
      throw new IllegalStateException("OpenBLAS cannot be unpacked", e);
    }
  }

  /** Its version, and the core that it runs for here; or why it is absent. */
  static String configuration() {
    try {
      MethodHandle config =
          Linker.nativeLinker()
              .downcallHandle(
                  load().findOrThrow("openblas_get_config"),
                  FunctionDescriptor.of(ValueLayout.ADDRESS));
      return ((MemorySegment) config.invokeExact()).reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      return "OpenBLAS is absent: " + e.getMessage();
    }
  }

  private static void unpack(String file, Path target) throws IOException {
    try (InputStream in = OpenBlasLibrary.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new IllegalStateException(FOLDER + file + " is not on the class path");
      }
      Files.copy(in, target);
    }
    target.toFile().deleteOnExit();
  }
}
