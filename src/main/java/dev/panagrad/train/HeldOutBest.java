package dev.panagrad.train;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import dev.panagrad.train.rows.RowFit;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * The parameters, or their average, of the epoch with the lowest loss on the rows held out: one
 * more vector of parameters, which checkpoints have too.
 */
final class HeldOutBest {
  private static final String PARAMETERS = "training/best";
  private static final String LOSS = "progress.best-held-out-loss";
  private static final String EPOCH = "progress.best-epoch";

  private final RowFit fit;
  private final Tensor best; // null where nothing is kept
  private double loss = Double.POSITIVE_INFINITY;
  private long epoch;

  HeldOutBest(RowFit fit, boolean isWanted) {
    this.fit = fit;
    best = isWanted && fit.rows().heldOut() > 0 ? fit.newVector("best parameters") : null;
  }

  /** Keeps what an epoch ended with, if its loss is the lowest so far. */
  void ended(EpochRecord record, Tensor average) {
    if (best != null && record.validationLoss() < loss) {
      Tensor flat = fit.regression().parameters().flat();
      fit.backend().copy(average == null ? flat : average, best);
      loss = record.validationLoss();
      epoch = record.epoch();
    }
  }

  /** Takes the parameters of the best epoch; returns its number, or the last one. */
  long take(long last) {
    if (best == null || epoch == 0) {
      return last;
    }
    fit.backend().copy(best, fit.regression().parameters().flat());
    return epoch;
  }

  void save(Map<String, String> texts) {
    if (epoch > 0) {
      texts.put(LOSS, Double.toHexString(loss));
      texts.put(EPOCH, Long.toString(epoch));
    }
  }

  List<Tensor> tensors(TensorArena arena) {
    if (epoch == 0) {
      return List.of();
    }
    Tensor copy = arena.allocate(PARAMETERS, best.dtype(), best.count());
    fit.backend().copy(best, copy);
    return List.of(copy);
  }

  /** Goes on from a checkpoint, which may have kept nothing. */
  void restore(SavedTraining saved) throws IOException {
    if (best == null || saved.names(PARAMETERS).isEmpty()) {
      return;
    }
    Tensor kept = saved.tensor(PARAMETERS, best.dtype(), best.count(), 1);
    loss = saved.number(LOSS);
    epoch = saved.count(EPOCH);
    fit.backend().copy(kept, best);
  }
}
