package dev.panagrad.encoding;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A column of texts is one-hot: it has a feature {@code NAME=LEVEL} for each level, which is 1
 * where the cell is that level, and 0 elsewhere. Numbers in it are texts: 3 for 3.0, else the
 * shortest that reads as the same double.
 *
 * @param levels texts, each different, in the order of their features
 * @param hasMissing whether a missing cell is one more level, the last
 * @param hasBaseline whether the first level has no feature, and is what the others are compared to
 * @param acceptsUnseen whether all features are 0 for a text that is no level; else it is refused
 */
public record CategoryColumn(
    String name,
    List<String> levels,
    boolean hasMissing,
    boolean hasBaseline,
    boolean acceptsUnseen)
    implements Column {
  public CategoryColumn {
    Objects.requireNonNull(name, "name");
    levels = List.copyOf(levels);
    if (levels.isEmpty() && !hasMissing) {
      throw new IllegalArgumentException("column '%s' has no level".formatted(name));
    }
  }

  @Override
  public List<String> features() {
    List<String> features = new ArrayList<>();
    levels.forEach(level -> features.add(name + "=" + level));
    if (hasMissing) {
      features.add(Column.missing(name));
    }
    return features.subList(hasBaseline ? 1 : 0, features.size());
  }

  /** Returns the text of a number as a level. */
  public static String text(double value) {
    return value == (long) value && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /** Returns the number whose {@link #text} a level is, or NaN. */
  public static double number(String level) {
    try {
      double value = Double.parseDouble(level);
      return text(value).equals(level) ? value : Double.NaN;
    } catch (NumberFormatException _) {
      return Double.NaN;
    }
  }
}
