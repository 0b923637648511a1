package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import java.util.Locale;

/** Ends a training whose loss says that it has diverged. */
final class LossWatch {
  /** A loss this many times the first is beyond recovery, even if it is finite in F64. */
  private static final double HOPELESS = 1e20;

  private final TrainingProgress progress;
  private final double targetSquares;
  private final DType dtype;
  private final boolean isStandardised;

  /**
   * For one training.
   *
   * @param targetSquares the loss of a model of zeros
   */
  LossWatch(TrainingProgress progress, double targetSquares, DType dtype, boolean isStandardised) {
    this.progress = progress;
    this.targetSquares = targetSquares;
    this.dtype = dtype;
    this.isStandardised = isStandardised;
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
    if (Double.isNaN(progress.firstLoss)) {
      progress.firstLoss = loss;
      if (!(loss < Double.POSITIVE_INFINITY)) {
        throw new DivergenceException(
            "the loss of the first batch is "
                + loss
                + " before any step: the data has values that are not finite or too large for "
                + dtype,
            1);
      }
    }
    // The first batch alone is no measure: it may fit exactly.
    double measure = Math.max(Math.max(progress.firstLoss, targetSquares), Double.MIN_NORMAL);
    if (!Double.isFinite(loss) || loss > HOPELESS * measure) {
      throw new DivergenceException(
          String.format(
              Locale.ROOT,
              "training diverged: %s step %d (epoch %d) the loss is %.4g, after %.4g at the first step, with learning rate %.4g; try --learning-rate %.2g%s",
              isLast ? "after" : "at",
              step,
              epoch,
              loss,
              progress.firstLoss,
              rate,
              rate / 10,
              isStandardised ? "" : ", or standardise the features"),
          step);
    }
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
