package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;

/** Provides OpenBLAS where the library can be loaded. */
public final class OpenBlasProvider implements BackendProvider {
  private static final String REMEDY =
      "put org.bytedeco:openblas with this platform's classifier on the class path, or name a library file with -D%s; -D%s names a folder to unpack to, on a file system that allows execution"
          .formatted(OpenBlasLibrary.PATH, LibraryCache.PROPERTY);

  /** Makes the provider; the service loader calls it. */
  public OpenBlasProvider() {}

  @Override
  public String name() {
    return OpenBlasBackend.NAME;
  }

  /**
   * Only by name. Where simd runs, it trains as fast without a native library in the process; where
   * it does not, this backend would train with the scalar kernels under another name.
   */
  @Override
  public int rank() {
    return -10;
  }

  @Override
  public Availability probe() {
    try {
      return new Availability.Available(OpenBlasLibrary.load().describe());
    } catch (Throwable e) {
      return new Availability.Unavailable(e.getMessage(), REMEDY, e);
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability.Available _ = probe().orThrow(OpenBlasBackend.NAME);
    return new OpenBlasBackend(OpenBlasLibrary.load(), options);
  }
}
