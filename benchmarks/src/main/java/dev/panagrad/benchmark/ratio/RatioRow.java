package dev.panagrad.benchmark.ratio;

import java.util.Locale;

/**
 * One line of the result.
 *
 * @param name the work, and "vs" the peer
 * @param ours null only if ours is wrong
 * @param peer null if the peer is absent
 * @param goal NaN if there is none
 */
public record RatioRow(String name, Timing ours, Timing peer, double goal, Verdict verdict) {
  /** What a row says. */
  public enum Verdict {
    /** The goal is reached, or there is none. */
    OK,
    /** The result is right and the goal is not reached, or ours allocates where it must not. */
    SHORT,
    /** A result differs from the reference; there is no ratio then. */
    WRONG,
    /** The peer could not be loaded. */
    ABSENT;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public static RatioRow measured(
      String name, Timing ours, Timing peer, double goal, boolean allocates) {
    boolean isShort = allocates || peer.nanos() / ours.nanos() < goal;
    return new RatioRow(name, ours, peer, goal, isShort ? Verdict.SHORT : Verdict.OK);
  }

  static RatioRow wrong(String name, double goal) {
    return new RatioRow(name, null, null, goal, Verdict.WRONG);
  }

  static RatioRow absent(String name, Timing ours, double goal) {
    return new RatioRow(name, ours, null, goal, Verdict.ABSENT);
  }

  /** Peer time over our time: larger is better for us. NaN if the row has none. */
  public double ratio() {
    return ours == null || peer == null ? Double.NaN : peer.nanos() / ours.nanos();
  }

  static String header() {
    return line("name", "ours", "peer", "ratio", "goal", "");
  }

  String line() {
    return line(name, text(ours), text(peer), number(ratio()), number(goal), verdict.toString());
  }

  private static String line(
      String name, String ours, String peer, String ratio, String goal, String verdict) {
    return "%-82s %15s %15s %8s %6s  %s".formatted(name, ours, peer, ratio, goal, verdict).strip();
  }

  private static String text(Timing timing) {
    return timing == null ? "-" : timing.toString();
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    return value >= 100 ? "%.0f".formatted(value) : "%.2f".formatted(value);
  }

  String json() {
    return ("{\"name\": \"%s\", \"oursNanos\": %s, \"oursSpread\": %s, \"peerNanos\": %s,"
            + " \"peerSpread\": %s, \"ratio\": %s, \"goal\": %s, \"verdict\": \"%s\"}")
        .formatted(
            name,
            jsonNumber(ours == null ? Double.NaN : ours.nanos()),
            jsonNumber(ours == null ? Double.NaN : ours.spread()),
            jsonNumber(peer == null ? Double.NaN : peer.nanos()),
            jsonNumber(peer == null ? Double.NaN : peer.spread()),
            jsonNumber(ratio()),
            jsonNumber(goal),
            verdict);
  }

  private static String jsonNumber(double value) {
    return Double.isFinite(value) ? Double.toString(value) : "null";
  }
}
