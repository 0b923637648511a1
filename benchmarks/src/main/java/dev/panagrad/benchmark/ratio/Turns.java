package dev.panagrad.benchmark.ratio;

/**
 * How long to measure.
 *
 * @param rounds turns of every contender
 * @param warmUpNanos time each contender runs before the first round
 * @param turnNanos time of one turn, if one repetition is not longer
 */
record Turns(int rounds, long warmUpNanos, long turnNanos) {
  static Turns full() {
    return new Turns(9, 1_500_000_000L, 100_000_000L);
  }

  static Turns quick() {
    return new Turns(3, 500_000_000L, 40_000_000L);
  }
}
