package dev.panagrad.train;

/**
 * Holds what is known at the end of an epoch. Losses are mean squared errors in the targets' raw
 * units, averaged over targets, without penalty.
 *
 * @param epoch from 1
 * @param loss mean over the epoch's batches, each weighted by its rows and taken before its step;
 *     so it trails the parameters by half an epoch on average; in Gram mode with the accuracy of
 *     {@link dev.panagrad.regression.NormalEquations}
 * @param validationLoss of the held-out rows after the epoch; NaN if there are none
 * @param gradientNorm Euclidean norm of the last batch's gradient, in the space of training; NaN
 *     unless a tolerance on it is set
 * @param seconds since training began
 */
public record EpochRecord(
    long epoch,
    long steps,
    double loss,
    double validationLoss,
    double learningRate,
    double gradientNorm,
    double seconds) {
  /** Returns the loss that stopping rules watch: of the held-out rows if there are any. */
  public double watchedLoss() {
    return Double.isNaN(validationLoss) ? loss : validationLoss;
  }

  static final int FIELDS = 7;

  double[] toArray() {
    return new double[] {epoch, steps, loss, validationLoss, learningRate, gradientNorm, seconds};
  }

  static EpochRecord of(double[] f) {
    return new EpochRecord((long) f[0], (long) f[1], f[2], f[3], f[4], f[5], f[6]);
  }
}
