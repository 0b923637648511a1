package dev.panagrad.cli;

import dev.panagrad.data.CsvDialect;
import dev.panagrad.data.UnusableColumnsException;
import dev.panagrad.data.UnusableColumnsException.Remedy;
import dev.panagrad.data.UnusableColumnsException.Unusable;
import dev.panagrad.safetensors.Excerpt;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import picocli.CommandLine.ParseResult;

/** What keeps a table from being used, and the command that goes on. */
final class UnusableColumns {
  private UnusableColumns() {}

  /** What cannot be used, a line for each column, and the command that goes on. */
  static String message(UnusableColumnsException e, ParseResult given) {
    List<String> lines = new ArrayList<>();
    String said = e.getMessage();
    if (e.getCause() != null) {
      lines.add(e.getCause().getMessage());
      said = said.substring(said.indexOf(": ") + 2);
    }
    lines.add(said.substring(0, said.indexOf(" cannot be used:")) + " cannot be used:");
    e.columns().forEach(column -> lines.add("  " + Excerpt.escaped(column.toString())));
    if (given != null && e.columns().stream().noneMatch(c -> c.remedies().isEmpty())) {
      lines.add(
          "go on with: " + SuggestedCommand.line(SuggestedCommand.with(given, remedies(e, given))));
    } else if (given != null) {
      String option = given.commandSpec().findOption("--loss") != null ? "--loss" : "--positive";
      lines.add(
          given.hasMatchedOption(option)
              ? "correct or leave out what is not of two classes, or choose another --target"
              : "choose another --target, or %s if it has two classes"
                  .formatted(option.equals("--loss") ? "--loss logistic" : "--positive LABEL"));
    }
    return String.join(System.lineSeparator(), lines);
  }

  private static Map<String, String> remedies(UnusableColumnsException e, ParseResult given) {
    Map<String, String> options = new LinkedHashMap<>();
    Set<String> excluded = new LinkedHashSet<>();
    Set<String> marks = new LinkedHashSet<>();
    for (Unusable column : e.columns()) {
      if (column.remedies().contains(Remedy.EXCLUDE)) {
        excluded.add(column.column());
        continue;
      }
      for (Remedy remedy : column.remedies()) {
        switch (remedy) {
          case CATEGORICAL -> options.put("--categorical", "auto");
          case MISSING -> options.put("--missing", "mean");
          case POSITIVE -> options.put("--positive", "LABEL");
          case MARK -> {
            marks.addAll(column.marks());
            options.put("--missing", "mean");
          }
          case EXCLUDE -> {}
        }
      }
    }
    if (!marks.isEmpty()) {
      String before = given.matchedOptionValue("--na", "");
      marks.addAll(
          before.isEmpty()
              ? new TreeSet<>(CsvDialect.DETECTED.missing())
              : List.of(before.split(",", -1)));
      options.put("--na", String.join(",", marks));
    }
    if (!excluded.isEmpty()) {
      exclude(excluded, given, options);
    }
    return options;
  }

  /** Leaves columns out of what is named, or of all columns. */
  private static void exclude(Set<String> columns, ParseResult given, Map<String, String> options) {
    List<String> features = given(given, "--features");
    List<String> categorical = given(given, "--categorical");
    if (categorical.removeAll(columns) && !options.containsKey("--categorical")) {
      options.put("--categorical", categorical.isEmpty() ? "auto" : joined(categorical));
    }
    if (features.isEmpty()) {
      Set<String> all = new LinkedHashSet<>(given(given, "--exclude"));
      all.addAll(columns);
      options.put("--exclude", joined(all));
    } else {
      features.removeAll(columns);
      options.put("--features", features.isEmpty() ? "NAME" : joined(features));
    }
  }

  /** The values that an option of names was given. */
  private static List<String> given(ParseResult given, String option) {
    List<String> values = given.matchedOptionValue(option, List.of());
    return new ArrayList<>(values);
  }

  /** Names between which there are commas: one that has a comma is quoted. */
  private static String joined(Collection<String> names) {
    return names.stream()
        .map(name -> name.contains(",") ? '"' + name + '"' : name)
        .collect(Collectors.joining(","));
  }
}
