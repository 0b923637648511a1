package dev.panagrad.benchmark.ratio;

/**
 * Who ours is compared with.
 *
 * @param library the library's name
 * @param call which of its calls, or ""
 * @param goal the ratio to reach, or NaN if the row only informs
 * @param opening opens the contender; a library that cannot be loaded throws here
 */
public record Rival(String library, String call, double goal, Opening opening) {
  /** Opens a contender. */
  @FunctionalInterface
  public interface Opening {
    Contender open();
  }

  /** Library and call, as the row's name has them. */
  String peer() {
    return (library + " " + call).strip();
  }
}
