package dev.panagrad.random;

import dev.panagrad.regression.LinearModel;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.EpochRecord;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * How a training ended.
 *
 * @param text all that may not depend on the number of threads, to the last bit
 * @param model null if there is none
 * @param steps of the optimizer
 * @param thrown null if it ended well
 */
record TrainingOutcome(String text, LinearModel model, long steps, RuntimeException thrown) {
  static TrainingOutcome of(Trainer trainer, TrainingData data, Engines.Engine engine) {
    try {
      TrainingResult result = trainer.fit(data.dataset(), engine.backend());
      return new TrainingOutcome(words(result), result.model(), result.steps(), null);
    } catch (IllegalArgumentException | DivergenceException | ArithmeticException thrown) {
      if (thrown instanceof ArithmeticException
          && !thrown.getMessage().startsWith("the gradient '")) {
        throw thrown; // a gradient that is not finite, where that is to throw, and no other
      }
      Refusals.requireDocumented(thrown);
      if (thrown.getMessage().contains("{")) {
        throw new AssertionError("a message with an option that has no name: " + thrown, thrown);
      }
      LinearModel best = thrown instanceof DivergenceException e ? e.best().orElse(null) : null;
      String text = Refusals.text(thrown) + (best == null ? "" : " " + words(best));
      return new TrainingOutcome(text, best, 0, thrown);
    }
  }

  private static String words(LinearModel model) {
    return Arrays.deepToString(model.coefficients()) + Arrays.toString(model.intercepts());
  }

  private static String words(TrainingResult result) {
    return "%s epochs %d steps %d rate %s passes %d skipped %d rows %d loss %s, %s, %s %s %s validation %s %s %s %s %s %s"
        .formatted(
            words(result.model()),
            result.epochs(),
            result.steps(),
            result.learningRate(),
            result.passes(),
            result.skippedSteps(),
            result.trainingRows(),
            result.loss(),
            result.mse(),
            result.r2(),
            result.metrics(),
            result.metricNotes(),
            result.validationMse(),
            result.stopReason(),
            result.history().stream().map(TrainingOutcome::words).collect(Collectors.joining(", ")),
            result.constantFeatures(),
            result.certificate(),
            result.checkpointFailure());
  }

  /** All but the time. */
  private static String words(EpochRecord record) {
    return "%d %d %s %s %s %s"
        .formatted(
            record.epoch(),
            record.steps(),
            record.loss(),
            record.validationLoss(),
            record.learningRate(),
            record.gradientNorm());
  }

  boolean isRefused() {
    return thrown instanceof IllegalArgumentException;
  }
}
