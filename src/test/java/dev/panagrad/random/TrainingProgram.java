package dev.panagrad.random;

import dev.panagrad.random.Engines.Engine;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Random trainings, the same on every engine: the same result to the last bit for any number of
 * threads, and refusals that change nothing.
 */
final class TrainingProgram extends Program {
  private final Engines engines = Engines.host();
  private final GuardedMemory memory = new GuardedMemory(2L << 20);

  TrainingProgram() {
    super("trainings");
  }

  @Override
  void run(Choices choices) {
    memory.clear();
    TrainingData data = TrainingData.of(choices, memory);
    memory.remember();
    long options = choices.bits();
    List<TrainingOutcome> outcomes = new ArrayList<>();
    for (Engine engine : engines.all) {
      memory.restore();
      TrainingOptions made = TrainingOptions.of(new Choices(options), data);
      call(() -> "%s of %s on %s".formatted(data.loss(), data.dataset().x(), engine));
      TrainingOutcome outcome = TrainingOutcome.of(made.trainer(), data, engine);
      outcomes.add(outcome);
      ended(outcome.isRefused());
      requireInputs(made, data, outcome);
      TrainingOutcome expected = outcomes.get(engine.first());
      if (!outcome.text().equals(expected.text())) {
        throw new AssertionError(
            "%s ends with%n  %s%nand with one thread with%n  %s"
                .formatted(engine, outcome.text(), expected.text()));
      }
      near(made, outcome, outcomes.getFirst());
      if (outcome.isRefused() != outcomes.getFirst().isRefused()) {
        throw new AssertionError(
            "%s ends with%n  %s%nand the first with%n  %s"
                .formatted(engine, outcome.text(), outcomes.getFirst().text()));
      }
    }
  }

  private static void near(
      TrainingOptions made, TrainingOutcome outcome, TrainingOutcome expected) {
    if (made.bound() != null && outcome.thrown() == null && expected.thrown() == null) {
      made.bound().compare(outcome, expected);
    }
  }

  /**
   * Data change where they are standardized in place, and nothing else; those of a refused training
   * only where no automatic rate could be found for them.
   */
  private void requireInputs(TrainingOptions made, TrainingData data, TrainingOutcome outcome) {
    List<Tensor> changing =
        made.isStandardized() && (!outcome.isRefused() || made.isRateAutomatic())
            ? List.of(data.dataset().x(), data.dataset().y())
            : List.of();
    String changed = memory.changed(changing);
    if (changed != null) {
      throw new AssertionError(changed + "; it ended with " + outcome.text());
    }
  }

  @Override
  public void close() {
    engines.close();
    memory.close();
  }
}
