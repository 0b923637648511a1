package dev.panagrad.cli;

import dev.panagrad.train.Option;
import dev.panagrad.train.PlanException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The names that the options of a training have on the command line. */
final class Flags {
  private Flags() {}

  static String of(Option option) {
    return switch (option) {
      case BATCH_SIZE -> "--batch-size";
      case GRAM -> "--gram";
      case ACCUMULATE -> "--accumulate";
      case VARIANCE_REDUCTION -> "--svrg";
      case RATE_REDUCTION -> "--reduce-rate";
      case AUTOMATIC_RATE, LEARNING_RATE -> "--learning-rate";
      case GRADIENT_TOLERANCE -> "--tolerance";
      case VALIDATION -> "--validation";
      case NO_INTERCEPT -> "--no-intercept";
      case STANDARDIZATION -> "--no-standardize";
      case DATA_MEMORY -> "--data-memory";
      case CHECKPOINTS -> "--checkpoint";
      case RESUME -> "--resume";
      case LOSS -> "--loss";
      case WEIGHTS -> "--weights";
      case OFFSET -> "--offset";
      case CLASS_WEIGHTS -> "--class-weights";
      case STATE -> "--state";
      case L1 -> "--l1";
      case L2 -> "--l2";
      case ELEMENT_TYPE -> "--dtype";
      case START -> "--init";
    };
  }

  /** A problem in the words of the command line, with the value that the option was given. */
  static String message(PlanException e, ParseResult given) {
    Option option = e.option();
    OptionSpec spec = given == null ? null : given.matchedOption(of(option));
    String message = e.message(Flags::of);
    if (spec == null || spec.originalStringValues().isEmpty()) {
      return message;
    }
    String values = String.join(",", spec.originalStringValues());
    return of(option) + " " + values + message.substring(of(option).length());
  }
}
