package dev.panagrad.backend;

/**
 * A kind of backend, found by {@link java.util.ServiceLoader}. Providers are cheap to create: they
 * load nothing before {@link #probe} and open nothing before {@link #open}.
 */
public interface BackendProvider {
  /** The name that selects it: lower case, one word. */
  String name();

  /**
   * Preference of the automatic choice; the largest available rank wins. Negative: never chosen
   * automatically.
   */
  int rank();

  /** True if its backends compute in host memory and load no native library. */
  default boolean isHost() {
    return false;
  }

  /**
   * Whether it can run here. Has no side effects, never throws, and keeps the cause of a failure.
   */
  Availability probe();

  /**
   * Opens it.
   *
   * @throws BackendUnavailableException if it cannot run here
   */
  Backend open(BackendOptions options);
}
