package dev.panagrad.benchmark.latency;

/** A call whose latency is measured. */
interface Work extends AutoCloseable {
  /** Does it with one of its rows. */
  void once(long row);

  /** Frees its memory. */
  @Override
  void close();
}
