package dev.panagrad.benchmark.ratio;

import java.util.Arrays;

/**
 * What the rounds gave for one contender.
 *
 * @param nanos median time of one repetition
 * @param spread (max - min) / median over the rounds
 */
public record Timing(double nanos, double spread) {
  static Timing of(double[] nanosOfRounds) {
    double[] sorted = nanosOfRounds.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Timing(median, (sorted[sorted.length - 1] - sorted[0]) / median);
  }

  private static String digits(double value) {
    return String.format(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
  }

  /** Median and spread. */
  @Override
  public String toString() {
    String[] units = {"ns", "us", "ms", "s"};
    double value = nanos;
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return "%s %s %.0f%%".formatted(digits(value), units[unit], spread * 100);
  }
}
