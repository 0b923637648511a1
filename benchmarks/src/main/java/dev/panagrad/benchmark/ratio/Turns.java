package dev.panagrad.benchmark.ratio;

/**
 * How long to measure.
 *
 * @param rounds turns of every contender
 * @param quietNanos a contender is warm when it has not become faster for so long
 * @param turnNanos time of one turn, if one repetition is not longer
 */
public record Turns(int rounds, long quietNanos, long turnNanos) {
  static Turns full() {
    return new Turns(9, 3_000_000_000L, 100_000_000L);
  }

  static Turns quick() {
    return new Turns(3, 1_500_000_000L, 40_000_000L);
  }
}
