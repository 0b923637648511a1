package dev.panagrad.tune;

import dev.panagrad.rule.Checks;
import java.util.List;

/**
 * Holds the outcome of a {@link Tuner}.
 *
 * @param shortEpochs of the trials that chose the finalists
 * @param trials all candidates; the first is the default
 * @param suggested the one to train with; its full training did not end above the default's
 * @param curve of the range test, with the default's batch size
 * @param automaticRate the rule's own rate from the curvature, for the default's batch size; NaN if
 *     it has none
 * @param noiseAtStart of gradients at zero parameters, on standardized rows
 * @param noiseLater after {@code epochsLater} epochs; null if the training diverged
 * @param epochsLater a tenth of {@code epochs}, at least 1
 */
public record Tuning(
    long epochs,
    long shortEpochs,
    List<Trial> trials,
    Trial suggested,
    RateCurve curve,
    double automaticRate,
    GradientNoiseScale noiseAtStart,
    GradientNoiseScale noiseLater,
    long epochsLater,
    Conditioning conditioning) {
  public Tuning {
    trials = List.copyOf(trials);
    Checks.count("trials, of which the default's is the first,", trials.size());
  }

  public Trial byDefault() {
    return trials.getFirst();
  }
}
