package dev.panagrad.cli;

import dev.panagrad.data.UnusableColumnsException;
import dev.panagrad.data.UnusableColumnsException.Remedy;
import dev.panagrad.data.UnusableColumnsException.Unusable;
import dev.panagrad.safetensors.Excerpt;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
      lines.add("go on with: " + SuggestedCommand.line(SuggestedCommand.with(given, remedies(e))));
    } else if (given != null) {
      lines.add("choose another --target, or --loss logistic if it has two classes");
    }
    return String.join(System.lineSeparator(), lines);
  }

  private static Map<String, String> remedies(UnusableColumnsException e) {
    Map<String, String> options = new LinkedHashMap<>();
    List<String> excluded = new ArrayList<>();
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
      options.put("--na", String.join(",", marks));
    }
    if (!excluded.isEmpty()) {
      options.put("--exclude", String.join(",", excluded));
    }
    return options;
  }
}
