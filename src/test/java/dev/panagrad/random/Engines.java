package dev.panagrad.random;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import java.util.ArrayList;
import java.util.List;

/** Backends with several numbers of threads; scalar, which has one, first. */
final class Engines implements AutoCloseable {
  private static final int[] THREADS = {1, 2, 3, 8};

  /**
   * A backend with a number of threads.
   *
   * @param first the number of the engine of the same name with one thread, whose bits it is to
   *     have
   * @param isDevice whether it has memory of its own, and perhaps not all losses
   */
  record Engine(Backend backend, int threads, int first, boolean isDevice) {
    @Override
    public String toString() {
      return backend.name() + " with " + threads + (threads == 1 ? " thread" : " threads");
    }
  }

  final List<Engine> all = new ArrayList<>();

  private Engines() {}

  /** Those that compute in host memory, with every number of threads. */
  static Engines host() {
    Engines engines = new Engines();
    List<String> names = new ArrayList<>(TestBackends.hostNames());
    if (names.remove("scalar")) {
      engines.add(Backends.open("scalar", new BackendOptions(1)));
    }
    for (String name : names) {
      int first = engines.all.size();
      for (int threads : THREADS) {
        Backend backend = Backends.open(name, new BackendOptions(threads));
        engines.all.add(new Engine(backend, threads, first, false));
      }
    }
    return engines;
  }

  /** Scalar, and those with memory of their own, used as if they computed in host memory. */
  static Engines devices() {
    Engines engines = new Engines();
    List<String> names = new ArrayList<>(TestBackends.names());
    names.removeAll(TestBackends.hostNames());
    engines.add(Backends.open("scalar", new BackendOptions(1)));
    for (String name : names) {
      engines.add(TestBackends.mirrored(name, 1));
    }
    return engines;
  }

  private void add(Backend backend) {
    all.add(new Engine(backend, 1, all.size(), !all.isEmpty()));
  }

  @Override
  public void close() {
    all.forEach(engine -> engine.backend().close());
  }
}
