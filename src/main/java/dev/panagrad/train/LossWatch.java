package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import java.util.Locale;

/** Ends a training whose loss says that it has diverged. */
final class LossWatch {
  private final TrainingProgress progress;
  private final double zeroLoss;
  private final DType dtype;
  private final boolean isStandardized;
  private final boolean hasRate;
  private final DivergenceWatch watch;

  /**
   * For one training, perhaps resumed.
   *
   * @param zeroLoss the loss of a model of zeros, summed over outputs
   * @param hasRate whether there is a learning rate that could be lowered
   */
  LossWatch(
      TrainingProgress progress,
      double zeroLoss,
      DType dtype,
      boolean isStandardized,
      boolean hasRate) {
    this.progress = progress;
    this.zeroLoss = zeroLoss;
    this.hasRate = hasRate;
    this.dtype = dtype;
    this.isStandardized = isStandardized;
    watch = new DivergenceWatch(dtype, progress.firstLoss);
  }

  /**
   * Looks at the loss of a batch.
   *
   * @param loss summed over outputs
   * @param rate the learning rate before that step
   * @param isLast whether it was computed after the last step
   * @throws DivergenceException if it is not finite or hopelessly large
   */
  void requireUseful(double loss, long epoch, long step, double rate, boolean isLast) {
    if (watch.isUseful(loss, zeroLoss)) {
      progress.firstLoss = watch.firstLoss();
      return;
    }
    String when = "%s step %d (epoch %d)".formatted(isLast ? "after" : "at", step, epoch);
    throw watch.failure(when, loss, step, hasRate ? rate : Double.NaN, advice(rate));
  }

  private String advice(double rate) {
    String units = isStandardized ? "" : "standardize the features";
    if (!hasRate) {
      return units.isEmpty() ? "give the target another unit, or add --l2" : units;
    }
    String lower = String.format(Locale.ROOT, "try --learning-rate %.2g", rate / 10);
    return units.isEmpty() ? lower : lower + ", or " + units;
  }

  /**
   * Looks at the loss of the held-out rows.
   *
   * @param rate the learning rate of the last step
   * @throws DivergenceException if it is not finite
   */
  void requireUsefulHeldOut(double loss, long step, double rate) {
    if (!Double.isFinite(loss)) {
      throw new DivergenceException(
          "the loss of the held-out rows is %s after step %d, where that of the training rows was finite: training diverges, and then %s; or the held-out rows have values that are not finite or too large for %s"
              .formatted(loss, step, advice(rate), dtype),
          step);
    }
  }
}
