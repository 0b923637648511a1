package dev.panagrad.data;

/**
 * What is done about missing cells of features. A missing level of a category is a level of its own
 * where it is not refused or dropped. Rows without a value of the target, the weight or the offset
 * are dropped by all but {@link #ERROR}.
 */
public enum MissingCells {
  /** They are refused. */
  ERROR,
  /** Their rows are left out. */
  DROP,
  /** The mean of the training rows stands for them. */
  MEAN,
  /** The median of the training rows stands for them. */
  MEDIAN,
  /** The mean, and a feature beside the column that is 1 where the cell is missing. */
  INDICATOR;

  boolean fills() {
    return this != ERROR && this != DROP;
  }
}
