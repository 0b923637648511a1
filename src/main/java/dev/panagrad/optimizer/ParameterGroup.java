package dev.panagrad.optimizer;

import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Checks;
import java.util.List;
import java.util.Objects;

/**
 * Says what is different for the parameters whose names match a pattern; all else is as for the
 * others.
 *
 * <pre>
 *   Optimizer.of(Adam.adamW(0.01))
 *       .group(ParameterGroup.of("embedding.*").rateFactor(0.1))
 *       .group(ParameterGroup.of("*.bias").weightDecay(0))
 * </pre>
 *
 * <p>State in a compact format is rounded once more in a block that two groups share.
 *
 * @param pattern of names; {@code *} stands for any characters, {@code ?} for one
 * @param rateFactor multiplies the learning rate of every step, at least 0; 0 freezes parameters,
 *     whose state moves on all the same
 * @param weightDecay instead of the rule's, at least 0, coupled or decoupled as that; NaN for the
 *     rule's. As a penalty, it skips exempt parameters
 * @param penalty instead of the optimizer's; null for that
 */
public record ParameterGroup(
    String pattern, double rateFactor, double weightDecay, Penalty penalty) {
  public ParameterGroup {
    Objects.requireNonNull(pattern, "pattern");
    Checks.nonNegative("rate factor of group '" + pattern + "'", rateFactor);
    if (!Double.isNaN(weightDecay)) {
      Checks.nonNegative("weight decay of group '" + pattern + "'", weightDecay);
    }
  }

  /** Makes a group that differs in nothing until it is told. */
  public static ParameterGroup of(String pattern) {
    return new ParameterGroup(pattern, 1, Double.NaN, null);
  }

  public ParameterGroup rateFactor(double factor) {
    return new ParameterGroup(pattern, factor, weightDecay, penalty);
  }

  public ParameterGroup weightDecay(double decay) {
    return new ParameterGroup(pattern, rateFactor, Checks.nonNegative("decay", decay), penalty);
  }

  public ParameterGroup penalty(Penalty newPenalty) {
    return new ParameterGroup(
        pattern, rateFactor, weightDecay, Objects.requireNonNull(newPenalty, "penalty"));
  }

  /** The first group that matches; one that differs in nothing if there is none. */
  static ParameterGroup firstOf(List<ParameterGroup> groups, String name) {
    return groups.stream().filter(g -> g.matches(name)).findFirst().orElse(of(name));
  }

  /** Compares from left to right; a mismatch goes back to the last star, which takes one more. */
  boolean matches(String name) {
    int[] wanted = pattern.codePoints().toArray();
    int[] found = name.codePoints().toArray();
    int star = -1;
    int afterStar = 0;
    int at = 0;
    int i = 0;
    while (i < found.length) {
      if (at < wanted.length && wanted[at] == '*') {
        star = at++;
        afterStar = i;
      } else if (at < wanted.length && (wanted[at] == '?' || wanted[at] == found[i])) {
        at++;
        i++;
      } else if (star >= 0) {
        at = star + 1;
        i = ++afterStar;
      } else {
        return false;
      }
    }
    while (at < wanted.length && wanted[at] == '*') {
      at++;
    }
    return at == wanted.length;
  }
}
