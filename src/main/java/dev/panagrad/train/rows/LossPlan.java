package dev.panagrad.train.rows;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.Tensor;
import java.util.List;

/**
 * What is summed over rows.
 *
 * @param loss of a row
 * @param weights how much each row counts [n], or null
 * @param offset the known part of each prediction [n], or null
 * @param classWeights factors of 0 and 1; empty if classes are to be balanced, null if there are
 *     none
 */
public record LossPlan(Loss loss, Tensor weights, Tensor offset, List<Double> classWeights) {
  /** True for the unweighted squared loss. */
  public boolean isPlain() {
    return loss instanceof Squared && weights == null && offset == null && classWeights == null;
  }
}
