package dev.panagrad.train;

import java.util.function.Function;

/** Messages speak of these options of a training, by the methods that set them. */
public enum Option {
  BATCH_SIZE("Trainer.batchSize"),
  GRAM("Trainer.gram"),
  ACCUMULATE("Trainer.accumulate"),
  VARIANCE_REDUCTION("Trainer.varianceReduced"),
  RATE_REDUCTION("Trainer.reduceRate"),
  AUTOMATIC_RATE("Trainer.automaticRate"),
  GRADIENT_TOLERANCE("Trainer.gradientTolerance"),
  VALIDATION("Trainer.validation"),
  NO_INTERCEPT("Trainer.withoutIntercept"),
  STANDARDIZATION("Trainer.standardizeInPlace"),
  DATA_MEMORY("Trainer.dataMemory"),
  CHECKPOINTS("Trainer.checkpoints"),
  RESUME("Trainer.resume"),
  LOSS("Trainer.loss"),
  WEIGHTS("Trainer.weights"),
  OFFSET("Trainer.offset"),
  CLASS_WEIGHTS("Trainer.classWeights"),
  STATE("Optimizer.Builder.state"),
  L1("Penalty.l1"),
  L2("an L2 penalty"),
  LEARNING_RATE("a learning rate of"),
  ELEMENT_TYPE("elements of type"),
  START("Trainer.startFrom");

  private final String text;

  Option(String text) {
    this.text = text;
  }

  /** Returns the option as a caller of the API finds it. */
  public String text() {
    return text;
  }

  /** A text whose options, such as <code>{L2}</code>, are called by these names. */
  static String fill(String template, Function<Option, String> names) {
    String filled = template;
    for (Option option : values()) {
      filled = filled.replace("{" + option.name() + "}", names.apply(option));
    }
    return filled;
  }
}
