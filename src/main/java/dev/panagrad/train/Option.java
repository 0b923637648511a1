package dev.panagrad.train;

import java.util.function.Function;

/** The options of a training that messages speak of. */
public enum Option {
  /** {@link Trainer#batchSize}. */
  BATCH_SIZE("Trainer.batchSize"),
  /** {@link Trainer#gram}. */
  GRAM("Trainer.gram"),
  /** {@link Trainer#accumulate}. */
  ACCUMULATE("Trainer.accumulate"),
  /** {@link Trainer#varianceReduced}. */
  VARIANCE_REDUCTION("Trainer.varianceReduced"),
  /** {@link Trainer#reduceRate}. */
  RATE_REDUCTION("Trainer.reduceRate"),
  /** {@link Trainer#automaticRate}. */
  AUTOMATIC_RATE("Trainer.automaticRate"),
  /** {@link Trainer#gradientTolerance}. */
  GRADIENT_TOLERANCE("Trainer.gradientTolerance"),
  /** {@link Trainer#validation}. */
  VALIDATION("Trainer.validation"),
  /** {@link Trainer#withoutIntercept}. */
  NO_INTERCEPT("Trainer.withoutIntercept"),
  /** {@link Trainer#standardizeInPlace}. */
  STANDARDIZATION("Trainer.standardizeInPlace"),
  /** {@link Trainer#dataMemory}. */
  DATA_MEMORY("Trainer.dataMemory"),
  /** {@link Trainer#checkpoints}. */
  CHECKPOINTS("Trainer.checkpoints"),
  /** {@link Trainer#resume}. */
  RESUME("Trainer.resume"),
  /** {@link Trainer#loss}. */
  LOSS("Trainer.loss"),
  /** {@link Trainer#weights}. */
  WEIGHTS("Trainer.weights"),
  /** {@link Trainer#offset}. */
  OFFSET("Trainer.offset"),
  /** {@link Trainer#classWeights} and {@link Trainer#balancedClasses}. */
  CLASS_WEIGHTS("Trainer.classWeights"),
  /** How an optimizer keeps its state. */
  STATE("Optimizer.Builder.state"),
  /** The strength of an L1 penalty. */
  L1("Penalty.l1"),
  /** The strength of an L2 penalty. */
  L2("an L2 penalty"),
  /** The rule's learning rate. */
  LEARNING_RATE("a learning rate of"),
  /** F32 or F64. */
  ELEMENT_TYPE("elements of type");

  private final String text;

  Option(String text) {
    this.text = text;
  }

  /** The option as a caller of the API finds it. */
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
