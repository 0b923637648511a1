package dev.panagrad.benchmark;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;

/** Opens a backend by name and prints the table of all of them, once per fork. */
final class BenchmarkBackend {
  private BenchmarkBackend() {}

  static Backend open(String name, int threads) {
    Backend backend = Backends.open(name, BackendOptions.defaults().withThreads(threads));
    System.out.println();
    System.out.println(Backends.table());
    System.out.println("measured: " + backend.name() + " (" + backend.detail() + ")");
    return backend;
  }
}
