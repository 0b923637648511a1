package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** Ends a training whose loss says that it diverged, by the first loss and the targets' size. */
final class DivergenceWatch {
  private static final double HOPELESS = 1e20; // times the first loss: beyond recovery, even in F64
  private final DType dtype;
  private final DoubleFunction<String> advice; // by the rate, with options for Option.fill
  private double firstLoss; // NaN if there has been none
  private double zeroLoss; // what a model of zeros loses on all rows; 0 if that is not known

  DivergenceWatch(DType dtype, double firstLoss, double zeroLoss, DoubleFunction<String> advice) {
    this.dtype = dtype;
    this.firstLoss = firstLoss;
    this.zeroLoss = zeroLoss;
    this.advice = advice;
  }

  double firstLoss() {
    return firstLoss;
  }

  /**
   * Looks at the loss of a batch, summed over outputs, in the space of training. One that cannot be
   * used leaves no trace.
   *
   * @param zeros what a model of zeros loses on these rows: the first batch alone is no measure, as
   *     it may fit exactly; 0 if the watch knows it of all rows
   * @param when such as "at", before the step
   * @param epoch 0 if there are none
   * @param rate the learning rate before that step; NaN if there is none
   * @throws DivergenceException if training cannot go on from there
   */
  void requireUseful(double loss, double zeros, String when, long step, long epoch, double rate) {
    boolean isFirst = Double.isNaN(firstLoss);
    double largest = Math.max(zeroLoss, zeros);
    double measure = Math.max(Math.max(isFirst ? loss : firstLoss, largest), Double.MIN_NORMAL);
    if (!Double.isFinite(loss) || loss > HOPELESS * measure) {
      throw failure(loss, when, step, epoch, rate);
    }
    if (isFirst) {
      firstLoss = loss;
    }
    zeroLoss = largest;
  }

  private DivergenceException failure(
      double loss, String when, long step, long epoch, double rate) {
    if (Double.isNaN(firstLoss)) {
      return new DivergenceException(
          "the loss of the first batch is %s before any step: the data has values that are not finite or too large for %s"
              .formatted(loss, dtype),
          1);
    }
    return new DivergenceException(
        String.format(
            Locale.ROOT,
            "training diverged: %s step %d%s the loss is %.4g, after %.4g at the first step%s; %s",
            when,
            step,
            epoch == 0 ? "" : " (epoch " + epoch + ")",
            loss,
            firstLoss,
            Double.isNaN(rate) ? "" : String.format(Locale.ROOT, ", with learning rate %.4g", rate),
            advice.apply(rate)),
        step);
  }

  /** Throws unless the loss of the held-out rows is finite, after that step of that rate. */
  void requireUsefulHeldOut(double loss, long step, double rate) {
    if (!Double.isFinite(loss)) {
      throw new DivergenceException(
          "the loss of the held-out rows is %s after step %d, where that of the training rows was finite: training diverges, and then %s; or the held-out rows have values that are not finite or too large for %s"
              .formatted(loss, step, advice.apply(rate), dtype),
          step);
    }
  }
}
