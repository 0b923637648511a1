package dev.panagrad.train;

import dev.panagrad.rule.Checks;

/**
 * When the learning rate is lowered, and by how much.
 *
 * @param factor of the rate, in (0, 1)
 * @param patience epochs without an improvement, at least 1
 * @param tolerance part of the best loss that an improvement is more than, in [0, 1)
 */
record RateReduction(double factor, int patience, double tolerance) {
  static final double LEAST = 1e-12; // part of the rate below which nothing moves

  RateReduction {
    Checks.openFraction("factor of the rate reduction", factor);
    Checks.count("patience of the rate reduction", patience);
    Checks.fraction("tolerance of the rate reduction", tolerance);
  }

  /** Takes in the loss of an epoch; true if the rate is to be lowered after it. */
  boolean isDue(Plateau plateau, double loss) {
    plateau.watch(loss, tolerance);
    if (plateau.epochsSinceBest() < patience) {
      return false;
    }
    plateau.beginAnew();
    return true;
  }
}
