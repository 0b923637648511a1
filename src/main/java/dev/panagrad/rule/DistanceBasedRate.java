package dev.panagrad.rule;

/**
 * The rate of rules whose steps do not depend on the gradient's size. In each coordinate they walk
 * about a rate per step while gradients agree in sign, so that a rate is a length, to be compared
 * with the distance to the minimum and not with the inverse of a curvature.
 */
final class DistanceBasedRate {
  // How many times the distance the steps could walk, at a rate that decays to zero as half a
  // cosine, whose mean is half of the rate. Directions in which many coordinates must change
  // together, against a small gradient, take many turns.
  private static final double TIMES = 10;
  // Steps that the distance is divided into, at least, however few there are.
  private static final double FEWEST = 20;

  private DistanceBasedRate() {}

  /** {@code distance / max(steps / 20, 20)}. */
  static double rate(RateContext advice) {
    return advice.distance() / Math.max(advice.steps() / (2 * TIMES), FEWEST);
  }
}
