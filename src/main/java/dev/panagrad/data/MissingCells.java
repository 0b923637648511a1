package dev.panagrad.data;

/**
 * Says what is done about missing cells of features. A missing level of a category is a level of
 * its own where it is not refused or dropped. Rows without a value of the target, the weight or the
 * offset are dropped by all but {@link #ERROR}.
 */
public enum MissingCells {
  /** Missing cells are refused. */
  ERROR,
  /** Rows with missing cells are left out. */
  DROP,
  /** The mean of the training rows stands for missing cells. */
  MEAN,
  /** The median of the training rows stands for missing cells. */
  MEDIAN,
  /** The mean stands for missing cells, and a feature beside the column is 1 in their rows. */
  INDICATOR;

  boolean fills() {
    return this != ERROR && this != DROP;
  }
}
