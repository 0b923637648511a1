package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import java.util.Locale;

/** Tells losses beyond use from large ones, by the first loss and by the size of the targets. */
final class DivergenceWatch {
  /** A loss this many times the first is beyond recovery, even if it is finite in F64. */
  private static final double HOPELESS = 1e20;

  private final DType dtype;
  private double firstLoss;
  private double targetSquares;

  /** From the first step on. */
  DivergenceWatch(DType dtype) {
    this(dtype, Double.NaN);
  }

  /**
   * Of a training that goes on.
   *
   * @param firstLoss NaN if there has been none
   */
  DivergenceWatch(DType dtype, double firstLoss) {
    this.dtype = dtype;
    this.firstLoss = firstLoss;
  }

  /** The first loss; NaN before it. */
  double firstLoss() {
    return firstLoss;
  }

  /**
   * Whether a training can go on from there. A loss that cannot be used leaves no trace.
   *
   * @param loss summed over outputs, in the space of training
   * @param squares mean square of the targets of the same rows, summed over outputs: the loss of
   *     zeros. The first batch alone is no measure: it may fit exactly
   */
  boolean isUseful(double loss, double squares) {
    boolean isFirst = Double.isNaN(firstLoss);
    double largest = Math.max(targetSquares, squares);
    double measure = Math.max(Math.max(isFirst ? loss : firstLoss, largest), Double.MIN_NORMAL);
    if (!Double.isFinite(loss) || loss > HOPELESS * measure) {
      return false;
    }
    if (isFirst) {
      firstLoss = loss;
    }
    targetSquares = largest;
    return true;
  }

  /**
   * What to throw then.
   *
   * @param when at which step
   * @param rate the learning rate; NaN if there is none
   * @param advice what to do
   */
  DivergenceException failure(String when, double loss, long step, double rate, String advice) {
    if (Double.isNaN(firstLoss)) {
      return new DivergenceException(
          "the loss of the first batch is "
              + loss
              + " before any step: the data has values that are not finite or too large for "
              + dtype,
          1);
    }
    return new DivergenceException(
        String.format(
            Locale.ROOT,
            "training diverged: %s the loss is %.4g, after %.4g at the first step%s; %s",
            when,
            loss,
            firstLoss,
            Double.isNaN(rate) ? "" : String.format(Locale.ROOT, ", with learning rate %.4g", rate),
            advice),
        step);
  }
}
