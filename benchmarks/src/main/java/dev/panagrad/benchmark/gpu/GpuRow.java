package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.RatioRow;
import dev.panagrad.benchmark.ratio.Timing;
import java.util.Locale;

/**
 * One line of the result.
 *
 * @param ratio times, goal and verdict
 * @param gigabytesPerSecond rate of ours, NaN where memory is not the limit
 * @param counts what ours did per call, or null
 * @param isSteady whether it did no more than it may
 * @param absence what to say where the other is not here
 */
record GpuRow(
    RatioRow ratio,
    double gigabytesPerSecond,
    CallCounts counts,
    boolean isSteady,
    String absence) {
  static final String HEADER =
      """
      | row | ours | GB/s | other | ratio | goal | | allocations, waits, launches per call |
      |---|---|---|---|---|---|---|---|
      """;

  static final String REHEARSAL_HEADER =
      """
      | row | rehearsed |
      |---|---|
      """;

  /** Whether the row shows a mistake, which no speed can mend. */
  boolean isWrong() {
    return ratio.verdict() == RatioRow.Verdict.WRONG || !isSteady;
  }

  String line() {
    return "| %s | %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            ratio.name(),
            text(ratio.ours()),
            rate(),
            text(ratio.peer()),
            number(ratio.ratio()),
            number(ratio.goal()),
            verdict(),
            counts == null ? "-" : counts);
  }

  /** Without a figure: the sizes are tiny, and the device may be software. */
  String rehearsalLine() {
    return "| %s | %s |".formatted(ratio.name(), isWrong() ? verdict() : ran());
  }

  private String ran() {
    return ratio.verdict() == RatioRow.Verdict.ABSENT ? verdict() : "runs";
  }

  private String verdict() {
    if (!isSteady) {
      return "not steady: %s allocations, waits, launches per call".formatted(counts);
    }
    return ratio.verdict() == RatioRow.Verdict.ABSENT ? absence : ratio.verdict().toString();
  }

  private static String text(Timing timing) {
    return timing == null ? "-" : timing.toString();
  }

  private String rate() {
    return Double.isNaN(gigabytesPerSecond)
        ? "-"
        : String.format(Locale.ROOT, "%,.0f", gigabytesPerSecond);
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.2f", value);
  }
}
