package dev.panagrad.encoding;

import java.util.List;
import java.util.Objects;

/**
 * A column of numbers is a feature as it is.
 *
 * @param fill what stands for a missing cell, such as the mean of the training rows; NaN if missing
 *     cells are refused
 * @param hasIndicator whether a second feature is 1 where the cell is missing, and 0 elsewhere
 */
public record NumberColumn(String name, double fill, boolean hasIndicator) implements Column {
  public NumberColumn {
    Objects.requireNonNull(name, "name");
    if (Double.isInfinite(fill) || (hasIndicator && Double.isNaN(fill))) {
      throw new IllegalArgumentException(
          "column '%s' is filled with %s: a finite number is needed%s"
              .formatted(name, fill, hasIndicator ? "" : ", or NaN for none"));
    }
  }

  /** Makes a column without missing cells. */
  public static NumberColumn of(String name) {
    return new NumberColumn(name, Double.NaN, false);
  }

  @Override
  public List<String> features() {
    return hasIndicator ? List.of(name, Column.missing(name)) : List.of(name);
  }
}
