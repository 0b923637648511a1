package dev.panagrad.train;

import java.util.function.Function;

/**
 * Options do not go together, or not with the data or the backend: it says which one to change,
 * why, and what to do. Nothing has changed.
 */
public final class PlanException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;
  private final Option option;
  private final String template; // reason and remedy, with other options as Option.fill wants
  private final boolean isConflict;

  private PlanException(Option option, String template, boolean isConflict) {
    super(message(option, template, Option::text));
    this.option = option;
    this.template = template;
    this.isConflict = isConflict;
  }

  static PlanException conflict(Option option, String reason, String remedy) {
    return new PlanException(option, reason + "; " + remedy, true);
  }

  static PlanException misfit(Option option, String reason, String remedy) {
    return new PlanException(option, reason + "; " + remedy, false);
  }

  private static String message(Option option, String template, Function<Option, String> names) {
    return names.apply(option) + ": " + Option.fill(template, names);
  }

  /** Returns the option to change. */
  public Option option() {
    return option;
  }

  /** Returns the message, whose options have these names. */
  public String message(Function<Option, String> names) {
    return message(option, template, names);
  }

  /** True where options exclude each other, whatever the values of the data are. */
  public boolean isConflict() {
    return isConflict;
  }
}
