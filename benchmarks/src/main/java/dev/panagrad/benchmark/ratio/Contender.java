package dev.panagrad.benchmark.ratio;

import java.util.Optional;

/** One implementation of the work of a comparison. All calls come from one thread. */
@FunctionalInterface
public interface Contender extends AutoCloseable {
  /** Does the work that many times. The loop is the contender's own, so that it can be compiled. */
  void repeat(long times);

  /**
   * Does the work once more, with the code that was timed, and compares with the reference.
   *
   * @return what is wrong, or empty; what computes nothing cannot be wrong
   */
  default Optional<String> disagreement() {
    return Optional.empty();
  }

  /** Frees its memory. */
  @Override
  default void close() {}
}
