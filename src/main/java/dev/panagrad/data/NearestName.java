package dev.panagrad.data;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Finds the name that was probably meant: fewest edits away, case ignored (Levenshtein 1966). */
public final class NearestName {
  private NearestName() {}

  /** Returns the nearest of the names; throws IllegalArgumentException if there is none. */
  public static String of(String wanted, List<String> names) {
    String lower = wanted.toLowerCase(Locale.ROOT);
    return names.stream()
        .min(Comparator.comparingInt(name -> distance(lower, name.toLowerCase(Locale.ROOT))))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no name is near '%s': there are none".formatted(wanted)));
  }

  private static int distance(String a, String b) {
    int[] previous = IntStream.rangeClosed(0, b.length()).toArray();
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, Math.min(previous[j], row[j - 1]) + 1);
      }
      previous = row;
    }
    return previous[b.length()];
  }
}
