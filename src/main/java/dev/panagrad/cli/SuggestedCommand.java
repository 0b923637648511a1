package dev.panagrad.cli;

import dev.panagrad.tune.Candidate;
import dev.panagrad.tune.Tuning;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The {@code panagrad train} of a suggestion: options given to {@code tune}, and those found. */
final class SuggestedCommand {
  // Options of tune that train does not have, or gets from the suggestion.
  private static final Set<String> OWN =
      Set.of(
          "--optimizer --epochs --seed --curve --json --lowest-rate --highest-rate --debug"
              .split(" ", -1));

  // Characters that no shell changes.
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_%+=:,./-]+");

  private SuggestedCommand() {}

  /** The program with these arguments as one line for a POSIX shell. */
  static String line(List<String> arguments) {
    return "panagrad "
        + arguments.stream().map(SuggestedCommand::quoted).collect(Collectors.joining(" "));
  }

  private static String quoted(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  static List<String> of(Tuning tuning, ParseResult given, MethodName optimizer, long seed) {
    List<String> arguments = given("train", given, OWN);
    Candidate candidate = tuning.suggested().candidate();
    arguments.addAll(List.of("--optimizer", optimizer.text()));
    arguments.addAll(List.of("--learning-rate", Double.toString(candidate.rate())));
    if (candidate.decays()) {
      arguments.addAll(List.of("--schedule", candidate.schedule(tuning.epochs())));
    }
    if (!optimizer.takesFullBatches()) {
      arguments.addAll(List.of("--batch-size", Long.toString(candidate.batch())));
    }
    arguments.addAll(List.of("--epochs", Long.toString(tuning.epochs())));
    arguments.addAll(List.of("--seed", Long.toString(seed)));
    return arguments;
  }

  /** The command that was given, with these options added, or in place of those it has. */
  static List<String> with(ParseResult given, Map<String, String> options) {
    List<String> arguments = given(given.commandSpec().name(), given, options.keySet());
    options.forEach(
        (name, value) ->
            arguments.addAll(
                value.startsWith("-") ? List.of(name + "=" + value) : List.of(name, value)));
    return arguments;
  }

  private static List<String> given(String command, ParseResult given, Set<String> without) {
    List<String> arguments = new ArrayList<>(List.of(command));
    for (ArgSpec positional : given.matchedPositionals()) {
      for (String value : positional.originalStringValues()) {
        // What begins so would be taken for an option, or a file of arguments.
        arguments.add(value.matches("(?s)-.+|@.*") ? "./" + value : value);
      }
    }
    for (OptionSpec option : given.matchedOptions()) {
      if (!without.contains(option.longestName())) {
        if (option.arity().max() == 0) {
          arguments.add(option.longestName());
        } else {
          for (String value : option.originalStringValues()) {
            // Joined, so that a value may begin like an option.
            arguments.addAll(
                value.startsWith("-")
                    ? List.of(option.longestName() + "=" + value)
                    : List.of(option.longestName(), value));
          }
        }
      }
    }
    return arguments;
  }
}
