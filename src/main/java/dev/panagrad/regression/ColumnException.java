package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;
import java.util.List;

/** Moments of a column do not survive one of its values; nothing has changed. */
public final class ColumnException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;
  private final transient Tensor tensor;
  private final long row;
  private final int column;
  private final String problem;

  ColumnException(Tensor tensor, long row, int column, String problem) {
    super(
        "row %,d of column %d of tensor '%s' is %s"
            .formatted(row + 1, column + 1, tensor.name(), problem));
    this.tensor = tensor;
    this.row = row;
    this.column = column;
    this.problem = problem;
  }

  /** Adds the column's name: a feature of that tensor, or else a target. */
  public IllegalArgumentException named(Tensor x, List<String> features, List<String> targets) {
    boolean isFeature = tensor == x;
    return new IllegalArgumentException(
        "row %,d of %s '%s' is %s"
            .formatted(
                row + 1,
                isFeature ? "feature" : "target",
                (isFeature ? features : targets).get(column),
                problem),
        this);
  }
}
