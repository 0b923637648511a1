package dev.panagrad.safetensors;

import java.nio.file.Path;
import java.util.Collection;
import java.util.stream.Collectors;

/**
 * Shows texts of a file in messages. What a terminal would obey, or a reader would not see, is
 * escaped; what would fill the screen is cut.
 */
public final class Excerpt {
  private static final int MAX_CHARACTERS = 200;
  private static final int MAX_NAMES = 20;

  private Excerpt() {}

  public static String of(String text) {
    int end = Math.min(text.length(), MAX_CHARACTERS);
    if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    String start = escaped(text.substring(0, end));
    return end == text.length() ? start : "%s... (%,d characters)".formatted(start, text.length());
  }

  public static String of(Path path) {
    return escaped(path.toString());
  }

  /** Returns the first names, and how many there are. */
  public static String of(Collection<String> names) {
    String first =
        names.stream()
            .limit(MAX_NAMES)
            .map(name -> "'" + of(name) + "'")
            .collect(Collectors.joining(", "));
    return names.size() <= MAX_NAMES
        ? "[" + first + "]"
        : "[%s, ... (%,d names)]".formatted(first, names.size());
  }

  /** Returns a text, whole and escaped. */
  public static String escaped(String text) {
    StringBuilder shown = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            point -> {
              if (isVisible(point)) {
                shown.appendCodePoint(point);
              } else {
                shown.append((point <= 0xFFFF ? "\\u%04x" : "\\u{%x}").formatted(point));
              }
            });
    return shown.toString();
  }

  private static boolean isVisible(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }
}
