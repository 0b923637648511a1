package dev.panagrad.random;

import java.util.function.Supplier;

/**
 * A sequence of random calls. One seed gives one sequence, whatever ran before, so that a failure
 * can be repeated alone.
 */
abstract class Program implements AutoCloseable {
  private final String kind;
  private long seed;
  private int calls;
  private long refused;
  private Supplier<String> words = () -> "the preparation";

  Program(String kind) {
    this.kind = kind;
  }

  /** Makes the calls of one seed, each announced by {@link #call}. */
  abstract void run(Choices choices);

  @Override
  public void close() {}

  /** Announces a call: what it is in words, for the message of a failure. */
  final void call(Supplier<String> newWords) {
    calls++;
    words = newWords;
  }

  /** Notes how the last call ended. */
  final void ended(boolean isRefused) {
    refused += isRefused ? 1 : 0;
  }

  /** What a call is to do, for programs that know. */
  final Expectation expect() {
    return new Expectation(this);
  }

  /** Calls that were refused, as they had to be. */
  final long refused() {
    return refused;
  }

  /**
   * Runs the programs of consecutive seeds until that many calls were made; one at least.
   *
   * @return the calls that were made
   */
  final long runAll(long firstSeed, long atLeast) {
    long made = 0;
    for (seed = firstSeed; made == 0 || made < atLeast; seed++) {
      calls = 0;
      try {
        run(new Choices(seed));
      } catch (Throwable thrown) {
        throw new AssertionError(
            """
            %s, seed %d, call %d: %s
              %s
              repeat it: mvn test -Dtest=RandomProgramsTest#%s -Dpanagrad.random.seed=%d -Dpanagrad.random.calls=1"""
                .formatted(kind, seed, calls, words.get(), thrown, kind, seed),
            thrown);
      }
      made += Math.max(1, calls);
    }
    return made;
  }
}
