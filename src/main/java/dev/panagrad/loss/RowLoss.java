package dev.panagrad.loss;

import dev.panagrad.tensor.Tensor;
import java.util.Objects;

/**
 * A loss over rows that may have weights and offsets.
 *
 * @param loss of one row
 * @param weights one per row [n], of the type of the features; null if all are 1
 * @param offset added to predictions, one per row [n], of the type of the features; null if none
 */
public record RowLoss(Loss loss, Tensor weights, Tensor offset) {
  /** Validates the loss. */
  public RowLoss {
    Objects.requireNonNull(loss, "loss");
  }
}
