package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds the outcome of a training in plain values, valid after the session's memory is freed.
 *
 * @param model the fitted model in raw units
 * @param epochs epochs run to their end
 * @param epoch which the model is of: the last, or with rows held out the one with their lowest
 *     loss
 * @param learningRate the base learning rate
 * @param passes over the training rows, those for rate and certificate included; in Gram mode,
 *     epochs need none
 * @param skippedSteps steps skipped because their gradient was not finite
 * @param loss mean loss on the training rows after the last step, averaged over targets, in raw
 *     units
 * @param mse the same if the loss is the squared error; else NaN
 * @param r2 coefficient of determination on the training rows, averaged over targets; NaN if a
 *     target is constant, or the loss is not the squared error
 * @param metrics what fits the loss, by name, on the training rows: R2 and RMSE; accuracy, log loss
 *     and AUC; deviance and D2; and so on; NaN if undefined, as AUC is with one class
 * @param metricNotes why a metric failed, by its name: AUC takes 8 bytes a row of native memory,
 *     with weights 16, and is not computed beyond 1 GiB
 * @param validationMse the same as {@code loss} on the held-out rows; NaN if there are none
 * @param history one record per epoch, oldest first; beyond {@link #HISTORY_LIMIT} epochs evenly
 *     spaced ones and the last
 * @param seconds the training loop, without reading data; with those before it was resumed
 * @param phases seconds of each phase since it was begun or resumed, in order: preparation, which
 *     standardizes; training; last checkpoint; losses of the rows; certificate; measures of fit
 * @param constantFeatures features that are constant on the training rows, with coefficient 0;
 *     empty if features were not standardized
 * @param dependencies a sentence for each feature that rounding cannot tell from a combination of
 *     others, as far as it was looked at
 * @param certificate how far from the minimum it ended, at most; null if it was not asked for
 * @param checkpointFailure why the last checkpoint could not be written; null if it was, or none
 *     was asked for
 */
public record TrainingResult(
    LinearModel model,
    long epochs,
    long epoch,
    long steps,
    double learningRate,
    long passes,
    long skippedSteps,
    long trainingRows,
    double loss,
    double mse,
    double r2,
    Map<String, Double> metrics,
    Map<String, String> metricNotes,
    double validationMse,
    StopReason stopReason,
    List<EpochRecord> history,
    double seconds,
    Map<String, Double> phases,
    String backend,
    List<String> constantFeatures,
    List<String> dependencies,
    Certificate certificate,
    String checkpointFailure) {
  /** A history has at most this many records: some 7 MB. */
  public static final int HISTORY_LIMIT = 100_000;

  public TrainingResult {
    history = List.copyOf(history);
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    metricNotes = Map.copyOf(metricNotes);
    phases = Collections.unmodifiableMap(new LinkedHashMap<>(phases));
    constantFeatures = List.copyOf(constantFeatures);
    dependencies = List.copyOf(dependencies);
  }
}
