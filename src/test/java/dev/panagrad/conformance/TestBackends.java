package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.BackendProvider;
import dev.panagrad.backend.Backends;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * All backends of this machine, found as users find them. Properties:
 *
 * <ul>
 *   <li>{@code panagrad.test.require} names those whose absence is a failure, so that a green run
 *       cannot mean that nothing was tested.
 *   <li>{@code panagrad.test.only} names those to test, in runs whose flags concern no other.
 *   <li>{@code panagrad.test.elsewhere} names those whose conformance another run of the build
 *       tests.
 *   <li>{@code panagrad.test.refuse} names those that the flags of this run rule out: their
 *       presence is a failure.
 * </ul>
 */
public final class TestBackends {
  private static final Set<String> REQUIRED = names("panagrad.test.require", "simd");
  private static final Set<String> ONLY = names("panagrad.test.only", "");
  private static final Set<String> ELSEWHERE = names("panagrad.test.elsewhere", "");
  private static final Set<String> REFUSED = names("panagrad.test.refuse", "");

  private TestBackends() {}

  private static Set<String> names(String property, String otherwise) {
    return Arrays.stream(System.getProperty(property, otherwise).split(",", -1))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .collect(Collectors.toUnmodifiableSet());
  }

  private static boolean isTested(BackendProvider provider) {
    String name = provider.name();
    return switch (provider.probe()) {
      case Availability.Available _ when REFUSED.contains(name) ->
          fail("backend " + name + " can run, and the flags of this run should prevent it");
      case Availability.Available _ -> ONLY.isEmpty() || ONLY.contains(name);
      case Availability.Unavailable no -> {
        boolean needed = ONLY.isEmpty() ? REQUIRED.contains(name) : ONLY.contains(name);
        if (needed && !REFUSED.contains(name)) {
          fail("required backend " + name + ": " + no.reason());
        }
        yield false;
      }
    };
  }

  private static List<BackendProvider> tested() {
    List<BackendProvider> tested =
        Backends.providers().stream().filter(TestBackends::isTested).toList();
    if (ONLY.isEmpty() && REFUSED.isEmpty()) {
      assertTrue(tested.size() >= 2, "at least scalar and simd");
    }
    assertTrue(!tested.isEmpty(), "no backend to test");
    return tested;
  }

  /** Names of the available backends, best rank first. */
  public static List<String> names() {
    return tested().stream().map(BackendProvider::name).toList();
  }

  /** Names of those that compute in host memory. */
  public static List<String> hostNames() {
    List<Backend> host = host(1);
    close(host);
    return host.stream().map(Backend::name).toList();
  }

  /** The available backends, opened with that many threads; the caller closes them. */
  public static List<Backend> open(int threads) {
    return tested().stream()
        .map(provider -> provider.open(BackendOptions.defaults().withThreads(threads)))
        .toList();
  }

  /** Those of them that compute in host memory. */
  public static List<Backend> host(int threads) {
    Map<Boolean, List<Backend>> sides =
        open(threads).stream().collect(Collectors.partitioningBy(Backend::usesHostMemory));
    close(sides.get(false));
    return sides.get(true);
  }

  /** All of them for tests of kernels on host tensors: devices behind a {@link MirroredBackend}. */
  public static List<Backend> mirrored(int threads) {
    return open(threads).stream().map(TestBackends::mirror).toList();
  }

  /** Those of {@link #mirrored} whose conformance is this run's to test. */
  public static List<Backend> conforming(int threads) {
    Map<Boolean, List<Backend>> sides =
        mirrored(threads).stream()
            .collect(Collectors.partitioningBy(backend -> ELSEWHERE.contains(backend.name())));
    close(sides.get(true));
    return sides.get(false);
  }

  /** One of {@link #mirrored}. */
  public static Backend mirrored(String name, int threads) {
    return mirror(Backends.open(name, new BackendOptions(threads)));
  }

  private static Backend mirror(Backend backend) {
    return backend.usesHostMemory() ? backend : new MirroredBackend(backend);
  }

  /**
   * Whether a test of millions of rows is too much for a backend: the software CUDA device takes
   * minutes, unless {@code panagrad.test.slow} says that there is time (Maven's profile slow).
   */
  public static boolean isTooSlow(Backend backend) {
    return backend.detail().contains("software device")
        && !Boolean.getBoolean("panagrad.test.slow");
  }

  /** Closes them. */
  public static void close(List<Backend> backends) {
    backends.forEach(Backend::close);
  }
}
