package dev.panagrad.tune;

import java.util.List;

/**
 * Holds what a {@link RateRangeTest} saw.
 *
 * @param points one per step, by rising rate
 * @param steepest the rate at which the smoothed loss fell fastest per factor of the rate
 * @param divergence a constant rate at which the loss, within 50 steps from zero parameters,
 *     becomes twice what it is there, and at 5% less does not; NaN if it never doubled in the sweep
 */
public record RateCurve(List<Point> points, double steepest, double divergence) {
  public RateCurve {
    points = List.copyOf(points);
  }

  /**
   * Holds the rate of one step, the loss after it, on all rows or an evenly spaced sample of 4,096,
   * summed over targets, and its exponential average.
   */
  public record Point(double rate, double loss, double smoothed) {}
}
