package dev.panagrad.train.rows;

/**
 * How rows are divided and visited.
 *
 * @param batchSize rows per batch, or {@link #FULL_BATCH}
 * @param batchesPerStep batches whose mean gradient one step follows
 * @param isShuffled whether batches smaller than the data are shuffled
 * @param seed of shuffling and of the choice of held-out rows
 * @param validationFraction the part of the rows that is held out, in [0, 1)
 * @param memory bytes of a file's rows that may be in memory; 0 for all of them
 */
public record RowPlan(
    long batchSize,
    long batchesPerStep,
    boolean isShuffled,
    long seed,
    double validationFraction,
    long memory) {
  public static final long FULL_BATCH = 0;

  /** True if every batch has all of that many training rows. */
  public boolean hasFullBatches(long trained) {
    return batchSize == FULL_BATCH || batchSize == trained;
  }

  /** Rows held out of that many in memory. */
  public long heldOut(long rows) {
    return Math.round(validationFraction * rows);
  }
}
