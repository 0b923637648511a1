package dev.panagrad.random;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.conformance.TestBackends;
import java.util.ArrayList;
import java.util.List;

/**
 * The backends that compute in host memory, with 1, 2, 3 and 8 threads each; scalar, which has one,
 * first.
 */
final class Engines implements AutoCloseable {
  private static final int[] THREADS = {1, 2, 3, 8};

  /**
   * A backend with a number of threads.
   *
   * @param first the number of the engine of the same name with one thread, whose bits it is to
   *     have
   */
  record Engine(Backend backend, int threads, int first) {
    @Override
    public String toString() {
      return backend.name() + " with " + threads + (threads == 1 ? " thread" : " threads");
    }
  }

  final List<Engine> all = new ArrayList<>();

  Engines() {
    List<String> names = new ArrayList<>(TestBackends.hostNames());
    if (names.remove("scalar")) {
      all.add(new Engine(Backends.open("scalar", new BackendOptions(1)), 1, 0));
    }
    for (String name : names) {
      int first = all.size();
      for (int threads : THREADS) {
        all.add(new Engine(Backends.open(name, new BackendOptions(threads)), threads, first));
      }
    }
  }

  @Override
  public void close() {
    all.forEach(engine -> engine.backend().close());
  }
}
