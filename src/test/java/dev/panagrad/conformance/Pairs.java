package dev.panagrad.conformance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Combinations of options of which every two values of two options meet in at least one, instead of
 * all combinations: what goes wrong, goes wrong by a pair as a rule. All of them with {@code
 * panagrad.test.slow}.
 */
public final class Pairs {
  private Pairs() {}

  /** Combinations, as indices below those sizes. */
  public static List<int[]> of(int... sizes) {
    List<int[]> all = all(sizes);
    if (Boolean.getBoolean("panagrad.test.slow")) {
      return all;
    }
    Set<List<Integer>> missing = new HashSet<>();
    all.forEach(combination -> missing.addAll(pairs(combination)));
    List<int[]> chosen = new ArrayList<>();
    while (!missing.isEmpty()) {
      int[] best = all.getFirst();
      long most = 0;
      for (int[] combination : all) {
        long met = pairs(combination).stream().filter(missing::contains).count();
        if (met > most) {
          most = met;
          best = combination;
        }
      }
      chosen.add(best);
      missing.removeAll(pairs(best));
    }
    return chosen;
  }

  private static List<int[]> all(int... sizes) {
    List<int[]> all = List.of(new int[sizes.length]);
    for (int option = 0; option < sizes.length; option++) {
      List<int[]> longer = new ArrayList<>();
      for (int[] combination : all) {
        for (int value = 0; value < sizes[option]; value++) {
          int[] next = combination.clone();
          next[option] = value;
          longer.add(next);
        }
      }
      all = longer;
    }
    return all;
  }

  private static Set<List<Integer>> pairs(int... combination) {
    Set<List<Integer>> pairs = new HashSet<>();
    for (int a = 0; a < combination.length; a++) {
      for (int b = a + 1; b < combination.length; b++) {
        pairs.add(List.of(a, combination[a], b, combination[b]));
      }
    }
    return pairs;
  }
}
