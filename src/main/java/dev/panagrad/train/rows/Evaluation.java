package dev.panagrad.train.rows;

import dev.panagrad.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/** How well a model fits that is being trained, in raw units. */
public final class Evaluation {
  private final RowFit fit;
  private final LossLog losses;
  private final Tensor average; // of the parameters, flat; null if none is kept
  private final Tensor aside; // parameters while their average is in their place, or null

  public Evaluation(RowFit fit, Tensor average) {
    this.fit = fit;
    this.average = average;
    losses = fit.newLossLog(true);
    boolean isSwapped = average != null && fit.rows().heldOut() > 0;
    aside = isSwapped ? fit.newVector("parameters aside") : null;
  }

  public void takeAverage() {
    if (average != null) {
      fit.backend().copy(average, fit.regression().parameters().flat());
    }
  }

  /** The mean loss of each output on the training rows, in units of training. */
  public double[] trained() {
    return fit.rows().losses(fit.regression(), false, losses, null);
  }

  /** The loss on the rows held out, of the average if there is one; NaN if there are none. */
  public double heldOut(boolean isAveraged) {
    if (fit.rows().heldOut() == 0) {
      return Double.NaN;
    }
    Tensor flat = fit.regression().parameters().flat();
    boolean isSwapped = aside != null && !isAveraged;
    if (isSwapped) {
      fit.backend().copy(flat, aside);
      takeAverage();
    }
    double heldOut =
        fit.loss().heldOutScale() * raw(fit.rows().losses(fit.regression(), true, losses, null));
    if (isSwapped) {
      fit.backend().copy(aside, flat);
    }
    return heldOut;
  }

  public double raw(double[] means) {
    double total = 0;
    for (int j = 0; j < means.length; j++) {
      total += means[j] * fit.loss().unit(fit.rows().standardization(), j);
    }
    return total / means.length;
  }

  public FitMetrics metrics(double[] trained, TrainingRows.TargetSums targets) {
    if (!fit.loss().isLeastSquares()) {
      return fit.loss().fit(fit.regression(), fit.rows());
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("R2", r2(trained, targets));
    metrics.put("RMSE", Math.sqrt(raw(trained)));
    return new FitMetrics(metrics, Map.of());
  }

  /** Mean over targets of 1 - error / variance; scales cancel. */
  private double r2(double[] means, TrainingRows.TargetSums targets) {
    double total = 0;
    for (int j = 0; j < means.length; j++) {
      double squares = targets.squaredDeviations().get(j);
      total += squares == 0 ? Double.NaN : 1 - means[j] * fit.rows().trained() / squares;
    }
    return total / means.length;
  }
}
