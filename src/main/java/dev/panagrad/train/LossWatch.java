package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import java.util.Locale;

/** Ends a training whose loss says that it has diverged. */
final class LossWatch {
  private final TrainingProgress progress;
  private final double targetSquares;
  private final DType dtype;
  private final boolean isStandardised;
  private final DivergenceWatch watch;

  /**
   * For one training, perhaps resumed.
   *
   * @param targetSquares the loss of a model of zeros
   */
  LossWatch(TrainingProgress progress, double targetSquares, DType dtype, boolean isStandardised) {
    this.progress = progress;
    this.targetSquares = targetSquares;
    this.dtype = dtype;
    this.isStandardised = isStandardised;
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
    if (watch.isUseful(loss, targetSquares)) {
      progress.firstLoss = watch.firstLoss();
      return;
    }
    String when = "%s step %d (epoch %d)".formatted(isLast ? "after" : "at", step, epoch);
    String advice =
        String.format(
            Locale.ROOT,
            "try --learning-rate %.2g%s",
            rate / 10,
            isStandardised ? "" : ", or standardise the features");
    throw watch.failure(when, loss, step, rate, advice);
  }

  /**
   * Looks at the loss of the held-out rows.
   *
   * @throws DivergenceException if it is not finite
   */
  void requireUsefulHeldOut(double loss, long step) {
    if (!Double.isFinite(loss)) {
      throw new DivergenceException(
          "the loss of the held-out rows is %s at step %d, that of the training rows is finite: the held-out rows have values that are not finite or too large for %s"
              .formatted(loss, step, dtype),
          step);
    }
  }
}
