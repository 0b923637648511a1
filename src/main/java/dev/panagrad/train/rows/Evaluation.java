package dev.panagrad.train.rows;

import dev.panagrad.backend.Backend;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;

/** How well a model fits that is being trained, in raw units. */
public final class Evaluation {
  private final TrainingRows rows;
  private final LinearRegression regression;
  private final Standardization standardization;
  private final LossLog losses;
  private final Backend backend;

  private final TrainingLoss loss;

  /** Null if no average is kept. */
  private final Tensor average;

  /** Where parameters are while their average is in their place; null if that is not needed. */
  private final Tensor aside;

  /**
   * An evaluation of one training.
   *
   * @param average of the parameters, flat, or null
   */
  public Evaluation(
      TrainingRows rows,
      LinearRegression regression,
      LossLog losses,
      TrainingLoss loss,
      Tensor average,
      Backend backend,
      TensorArena arena) {
    this.rows = rows;
    this.regression = regression;
    this.losses = losses;
    this.loss = loss;
    this.average = average;
    this.backend = backend;
    standardization = rows.standardization();
    Tensor flat = regression.parameters().flat();
    aside =
        average == null || rows.heldOut() == 0
            ? null
            : backend.allocate(arena, "parameters aside", flat.dtype(), flat.shape());
  }

  /** Puts the average of the parameters in their place, if there is one. */
  public void takeAverage() {
    if (average != null) {
      backend.copy(average, regression.parameters().flat());
    }
  }

  /** The mean loss of each output on the training rows, in units of training. */
  public double[] trained() {
    return rows.losses(regression, false, losses);
  }

  /** The loss on the rows held out, of the average if there is one; NaN if there are none. */
  public double heldOut(boolean isAveraged) {
    if (rows.heldOut() == 0) {
      return Double.NaN;
    }
    Tensor flat = regression.parameters().flat();
    boolean isSwapped = aside != null && !isAveraged;
    if (isSwapped) {
      backend.copy(flat, aside);
      takeAverage();
    }
    double heldOut = loss.heldOutScale() * raw(rows.losses(regression, true, losses));
    if (isSwapped) {
      backend.copy(aside, flat);
    }
    return heldOut;
  }

  /** The mean of the outputs' losses. */
  public double raw(double[] means) {
    double total = 0;
    for (int j = 0; j < means.length; j++) {
      total += means[j] * standardization.lossScale(j);
    }
    return total / means.length;
  }

  /** What fits the loss, on the training rows. */
  public FitMetrics metrics(double[] trained, TrainingRows.TargetSums targets) {
    if (!loss.isPlain()) {
      return loss.fit(regression, rows);
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
      total += squares == 0 ? Double.NaN : 1 - means[j] * rows.trained() / squares;
    }
    return total / means.length;
  }
}
