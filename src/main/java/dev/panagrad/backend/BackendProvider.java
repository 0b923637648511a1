package dev.panagrad.backend;

/**
 * Provides a kind of backend; {@link java.util.ServiceLoader} finds it. Providers are cheap to
 * create: they load nothing before {@link #probe} and open nothing before {@link #open}.
 */
public interface BackendProvider {
  /** Returns the name that selects it: lower case, one word. */
  String name();

  /** The largest available rank is the automatic choice; a negative one never is. */
  int rank();

  /** True if its backends compute in host memory and load no native library. */
  default boolean isHost() {
    return false;
  }

  /** Says if it can run here, without side effects. Never throws; keeps a failure's cause. */
  Availability probe();

  /** Opens it, or throws {@link BackendUnavailableException} if it cannot run here. */
  Backend open(BackendOptions options);
}
