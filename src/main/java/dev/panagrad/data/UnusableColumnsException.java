package dev.panagrad.data;

import java.util.List;
import java.util.stream.Collectors;

/** Columns hold texts or missing cells; it has all of them, and what would make them usable. */
public final class UnusableColumnsException extends DataException {
  private static final long serialVersionUID = 1;
  private static final int SHOWN = 10;

  private final transient List<Unusable> columns;

  /**
   * Describes a column that cannot be used.
   *
   * @param column its name
   * @param problem what was found, how often, and an example with its place
   * @param remedies what helps, all together; nothing if the column is predicted
   * @param marks texts among numbers, where they are few
   */
  public record Unusable(String column, String problem, List<Remedy> remedies, List<String> marks) {
    @Override
    public String toString() {
      return "column '%s' %s".formatted(column, problem);
    }
  }

  /** A remedy says what helps. */
  public enum Remedy {
    /** Make categories of it, or leave the column out. */
    CATEGORICAL,
    /** Take missing cells in another way. */
    MISSING,
    /** Leave the column out. */
    EXCLUDE,
    /** Take its few texts for marks of missing cells. */
    MARK,
    /** Say which of two values is the positive class. */
    POSITIVE
  }

  UnusableColumnsException(String table, List<Unusable> columns) {
    super(
        "%s: %s cannot be used: %s%s"
            .formatted(
                table,
                columns.size() == 1 ? "a column" : "%,d columns".formatted(columns.size()),
                columns.stream()
                    .limit(SHOWN)
                    .map(Unusable::toString)
                    .collect(Collectors.joining("; ")),
                columns.size() > SHOWN ? "; and %,d more".formatted(columns.size() - SHOWN) : ""));
    this.columns = List.copyOf(columns);
  }

  /** Returns all such columns, in the order of the table. */
  public List<Unusable> columns() {
    return columns;
  }
}
