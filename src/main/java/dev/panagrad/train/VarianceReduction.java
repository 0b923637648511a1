package dev.panagrad.train;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import dev.panagrad.train.rows.LossLog;
import dev.panagrad.train.rows.RowFit;
import java.io.IOException;

/**
 * Stochastic variance-reduced gradients. At the beginning of every epoch the parameters are kept as
 * an anchor a, with the gradient g(a) of all rows there; the gradient of a batch B at w becomes
 *
 * <pre>
 *   g_B(w) - g_B(a) + g(a)
 * </pre>
 *
 * Its mean over all batches is g(w), as before. Its scatter is that of {@code g_B(w) - g_B(a)},
 * which vanishes with w - a, and so at the minimum: a constant learning rate converges, for
 * strongly convex losses by a constant factor per epoch, where plain batches end in a noise that is
 * as large as the rate. It costs three times the passes over the rows.
 *
 * <p>Source: Johnson and Zhang, Accelerating stochastic gradient descent using predictive variance
 * reduction (2013), option I with epochs of one pass; theorem 1 is the linear rate.
 */
final class VarianceReduction {
  private static final String ANCHOR = "training/anchor";
  static final int MORE_PASSES = 2; // passes at the anchor: one over all rows, and one in batches
  private final RowFit fit;
  private final RowFit anchor;
  private final LossLog losses;
  private final Tensor ofAllRows;

  VarianceReduction(RowFit fit) {
    this.fit = fit;
    anchor = RowFit.of(fit.backend(), fit.arena(), fit.rows(), fit.loss(), fit.hasIntercept());
    losses = anchor.newLossLog(true);
    ofAllRows = fit.newVector("gradient at the anchor");
  }

  /** Begins an epoch, with the parameters as a new anchor, or goes on with one. */
  void begin(boolean isNew) {
    if (isNew) {
      fit.backend()
          .copy(fit.regression().parameters().flat(), anchor.regression().parameters().flat());
    }
    fit.rows().losses(anchor.regression(), false, losses, anchor.parts());
    fit.backend().copy(anchor.regression().gradient().flat(), ofAllRows);
  }

  void correct(long first, long count) {
    fit.rows().computeGradient(anchor.regression(), first, count, losses.next(count));
    losses.clear();
    Tensor gradient = fit.regression().gradient().flat();
    fit.backend().linear().axpy(-1, anchor.regression().gradient().flat(), gradient);
    fit.backend().linear().axpy(1, ofAllRows, gradient);
  }

  Tensor saved(TensorArena arena) {
    Tensor flat = anchor.regression().parameters().flat();
    Tensor host = arena.allocate(ANCHOR, flat.dtype(), flat.shape());
    fit.backend().copy(flat, host);
    return host;
  }

  Tensor read(SavedTraining saved) throws IOException {
    Tensor flat = anchor.regression().parameters().flat();
    return saved.tensor(ANCHOR, flat.dtype(), flat.count(), 1);
  }

  void restore(Tensor saved) {
    fit.backend().copy(saved, anchor.regression().parameters().flat());
  }
}
