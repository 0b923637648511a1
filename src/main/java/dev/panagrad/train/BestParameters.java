package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.rows.RowFit;

/**
 * The parameters of the lowest training loss so far, for a training that diverges later. The loss
 * of an epoch is summed while the parameters change, so it is taken for that of the parameters at
 * the beginning: exact for full batches, and for others more than theirs at the end.
 */
final class BestParameters {
  private static final long MAX_PARAMETERS = 1 << 24; // more have checkpoints, and no two copies
  private final Backend backend;
  private final Tensor parameters;
  private Tensor candidate; // null if there are too many
  private Tensor best;
  private double loss = Double.POSITIVE_INFINITY;
  private long epoch;
  private boolean isKept; // false in an epoch that was begun before the training was resumed

  BestParameters(RowFit fit) {
    backend = fit.backend();
    parameters = fit.regression().parameters().flat();
    if (parameters.count() <= MAX_PARAMETERS) {
      candidate = fit.newVector("parameters before");
      best = fit.newVector("best parameters");
    }
  }

  void begins() {
    if (candidate != null) {
      backend.copy(parameters, candidate);
      isKept = true;
    }
  }

  void ended(EpochRecord record) {
    if (isKept && record.loss() < loss) {
      Tensor worse = best;
      best = candidate;
      candidate = worse;
      loss = record.loss();
      epoch = record.epoch() - 1;
    }
    isKept = false;
  }

  /** Epochs after which they were reached; 0 if training has not made progress. */
  long epoch() {
    return epoch;
  }

  double loss() {
    return loss;
  }

  void restore() {
    backend.copy(best, parameters);
  }
}
