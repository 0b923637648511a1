package dev.panagrad.rule;

/**
 * Holds what is known of a training before it starts, for {@link UpdateRule#automaticRate}.
 *
 * @param largestCurvature L, the largest eigenvalue of the Hessian of loss and L2 penalty
 * @param batchCurvature the expected smoothness of gradients of batches, between L and the largest
 *     curvature of a single row's loss
 * @param distance an estimate of the largest parameter at the minimum, when starting at zero
 * @param steps that the training will make
 */
public record RateContext(
    double largestCurvature, double batchCurvature, double distance, long steps) {
  // How many times the distance the steps could walk, at a rate that decays to zero as half a
  // cosine, whose mean is half of the rate. Directions in which many coordinates must change
  // together, against a small gradient, take many turns.
  private static final double TIMES = 10;
  private static final double FEWEST_STEPS = 20; // that the distance is divided into, at least

  /**
   * {@code distance / max(steps / 20, 20)}: the rate of rules whose steps do not depend on the
   * gradient's size. In each coordinate they walk about a rate per step while gradients agree in
   * sign, so that a rate is a length, and not the inverse of a curvature.
   */
  double distancePerStep() {
    return distance / Math.max(steps / (2 * TIMES), FEWEST_STEPS);
  }
}
