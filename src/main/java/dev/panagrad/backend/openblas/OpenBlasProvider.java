package dev.panagrad.backend.openblas;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;

/** Provides OpenBLAS where the library can be loaded. */
public final class OpenBlasProvider implements BackendProvider {
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
    } catch (UnusableLibraryError e) {
      return new Availability.Unavailable(e.getMessage(), e.remedy(), e);
    } catch (IllegalCallerException e) {
      return Availability.withoutNativeAccess(e);
    } catch (Throwable e) {
      String remedy = "name another library file with -D" + OpenBlasLibrary.PATH;
      return new Availability.Unavailable(e.toString(), remedy, e);
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability.Available _ = probe().orThrow(OpenBlasBackend.NAME);
    return new OpenBlasBackend(OpenBlasLibrary.load(), options);
  }
}
