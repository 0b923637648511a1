package dev.panagrad.tune;

/**
 * Says what came of a candidate.
 *
 * @param shortLoss the loss on the training rows after the short training, averaged over targets,
 *     in raw units; infinite if it diverged
 * @param loss the same after all epochs; NaN if it was not among the best of the short ones
 * @param steps of the full training
 */
public record Trial(Candidate candidate, double shortLoss, double loss, long steps) {
  /** True if it was trained for all epochs. */
  public boolean isFinalist() {
    return !Double.isNaN(loss);
  }
}
