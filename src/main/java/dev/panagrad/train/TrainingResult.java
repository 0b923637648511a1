package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;
import java.util.List;

/**
 * The outcome of a training. Plain values: valid after the session's memory is freed.
 *
 * @param model the fitted model in raw units
 * @param epochs epochs run to their end
 * @param steps optimizer steps made
 * @param learningRate the base learning rate
 * @param passes over the training rows, those for rate and certificate included; in Gram mode,
 *     epochs need none
 * @param skippedSteps steps skipped because their gradient was not finite
 * @param trainingRows rows trained on
 * @param mse mean squared error on the training rows after the last step, averaged over targets, in
 *     raw units
 * @param r2 coefficient of determination on the training rows, averaged over targets; NaN if a
 *     target is constant
 * @param validationMse the same as {@code mse} on the held-out rows; NaN if there are none
 * @param stopReason why it ended
 * @param history one record per epoch, oldest first; beyond {@link #HISTORY_LIMIT} epochs evenly
 *     spaced ones and the last
 * @param seconds the training loop, without reading data; with those before it was resumed
 * @param backend name and detail of the backend
 * @param constantFeatures features that are constant on the training rows, with coefficient 0;
 *     empty if features were not standardised
 * @param certificate how far from the minimum it ended, at most; null if it was not asked for
 * @param checkpointFailure why the last checkpoint could not be written; null if it was, or none
 *     was asked for
 */
public record TrainingResult(
    LinearModel model,
    long epochs,
    long steps,
    double learningRate,
    long passes,
    long skippedSteps,
    long trainingRows,
    double mse,
    double r2,
    double validationMse,
    StopReason stopReason,
    List<EpochRecord> history,
    double seconds,
    String backend,
    List<String> constantFeatures,
    Certificate certificate,
    String checkpointFailure) {
  /** Records of a history, at most: some 7 MB. */
  public static final int HISTORY_LIMIT = 100_000;

  /** Copies the lists. */
  public TrainingResult {
    history = List.copyOf(history);
    constantFeatures = List.copyOf(constantFeatures);
  }
}
