package dev.panagrad.train.rows;

/** How rows are divided and visited; 0 bytes of a file's rows in memory stand for all of them. */
public record RowPlan(
    long batchSize,
    long batchesPerStep,
    boolean isShuffled,
    long seed,
    double validationFraction,
    long memory) {
  public static final long FULL_BATCH = 0;

  public boolean hasFullBatches(long trained) {
    return batchSize == FULL_BATCH || batchSize == trained;
  }

  public long heldOut(long rows) {
    return Math.round(validationFraction * rows);
  }
}
