package dev.panagrad.train.rows;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.Tensor;
import java.util.List;

/**
 * What is summed over rows, with weights [n], offset [n] and factors of the classes 0 and 1, or
 * null for each; no factors stand for balanced classes.
 */
public record LossPlan(Loss loss, Tensor weights, Tensor offset, List<Double> classWeights) {
  /** True for a row whose weight is above 0. */
  public boolean isUsed(long row) {
    return weights == null || weights.get(row) > 0;
  }

  /** True for the squared loss without offsets, weighted or not: its targets may be scaled. */
  public boolean isLeastSquares() {
    return loss instanceof Squared && offset == null;
  }

  /** True for the unweighted squared loss. */
  public boolean isPlain() {
    return loss instanceof Squared && weights == null && offset == null && classWeights == null;
  }
}
