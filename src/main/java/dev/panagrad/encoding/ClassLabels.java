package dev.panagrad.encoding;

import java.util.Objects;

/**
 * Holds the two values of a target of classes, as they are in the table.
 *
 * @param negative which is trained as 0
 * @param positive which is trained as 1, and whose probability is predicted
 */
public record ClassLabels(String negative, String positive) {
  public ClassLabels {
    if (Objects.requireNonNull(negative, "negative").equals(positive)) {
      throw new IllegalArgumentException("both classes are '%s'".formatted(negative));
    }
    Objects.requireNonNull(positive, "positive");
  }
}
