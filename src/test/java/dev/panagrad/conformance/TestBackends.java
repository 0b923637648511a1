package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * All backends of this machine, found as users find them. The property {@code
 * panagrad.test.require} names those whose absence is a failure, so that a green run cannot mean
 * that nothing was tested.
 */
public final class TestBackends {
  private static final Set<String> REQUIRED =
      Set.of(System.getProperty("panagrad.test.require", "simd").split(","));

  private TestBackends() {}

  /** The available backends, opened with that many threads; the caller closes them. */
  public static List<Backend> open(int threads) {
    List<Backend> opened = new ArrayList<>();
    for (BackendProvider provider : Backends.providers()) {
      switch (provider.probe()) {
        case Availability.Available _ ->
            opened.add(provider.open(BackendOptions.defaults().withThreads(threads)));
        case Availability.Unavailable no -> {
          if (REQUIRED.contains(provider.name())) {
            fail("required backend " + provider.name() + ": " + no.reason());
          }
        }
      }
    }
    assertTrue(opened.size() >= 2, "at least scalar and simd");
    return opened;
  }

  /** Closes them. */
  public static void close(List<Backend> backends) {
    backends.forEach(Backend::close);
  }
}
