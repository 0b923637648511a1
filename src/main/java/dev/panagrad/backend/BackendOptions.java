package dev.panagrad.backend;

/**
 * How to open a backend.
 *
 * @param threads compute threads, the caller's included, at least 1; results do not depend on it
 */
public record BackendOptions(int threads) {
  /** Validates the options. */
  public BackendOptions {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads must be in [1, " + MAX_THREADS + "], found " + threads);
    }
  }

  /** More threads than this are a mistake, not a machine. */
  public static final int MAX_THREADS = 4096;

  /** One thread per processor available to this process. */
  public static BackendOptions defaults() {
    return new BackendOptions(Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS));
  }

  /** These options with that many threads. */
  public BackendOptions withThreads(int newThreads) {
    return new BackendOptions(newThreads);
  }
}
