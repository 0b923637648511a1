package dev.panagrad.build;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;

/** The one formatter of this project: google-java-format. */
final class Formatting {
  private Formatting() {}

  static String format(String source) {
    try {
      String ordered =
          ImportOrderer.reorderImports(
              RemoveUnusedImports.removeUnusedImports(source), JavaFormatterOptions.Style.GOOGLE);
      return new Formatter().formatSource(ordered);
    } catch (FormatterException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
