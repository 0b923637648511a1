package dev.panagrad.train;

import java.util.function.Function;

/**
 * Why a training cannot be. In reason and remedy other options stand as <code>{GRAM}</code>, for
 * whoever shows them to say what the reader calls them.
 *
 * @param option the one to change
 * @param reason what was asked and what was found
 * @param remedy what to do
 */
public record Problem(Option option, String reason, String remedy) {
  /** The problem in a sentence whose options have these names. */
  public String message(Function<Option, String> names) {
    return names.apply(option) + ": " + Option.fill(reason + "; " + remedy, names);
  }
}
