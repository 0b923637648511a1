package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;

/** The backend that is measured as ours. */
final class OurBackend {
  private OurBackend() {}

  static Backend open(int threads) {
    return Backends.open("simd", BackendOptions.defaults().withThreads(threads));
  }
}
