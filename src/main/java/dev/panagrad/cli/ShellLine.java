package dev.panagrad.cli;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Words as one line that a POSIX shell splits into the same words. */
final class ShellLine {
  // Characters that no shell changes.
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_%+=:,./-]+");

  private ShellLine() {}

  static String of(List<String> words) {
    return words.stream().map(ShellLine::quoted).collect(Collectors.joining(" "));
  }

  private static String quoted(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
