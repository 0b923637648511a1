package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;

/** The backends that are measured as ours. */
final class OurBackend {
  /** The one that is measured where a row's name says nothing else. */
  static final String SIMD = "simd";

  /** The one that a user with many outputs may ask for. */
  static final String OPENBLAS = "openblas";

  private OurBackend() {}

  static Backend open(int threads) {
    return open(SIMD, threads);
  }

  static Backend open(String name, int threads) {
    return Backends.open(name, BackendOptions.defaults().withThreads(threads));
  }
}
