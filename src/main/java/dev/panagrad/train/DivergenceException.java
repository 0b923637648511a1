package dev.panagrad.train;

import dev.panagrad.regression.LinearModel;
import java.util.Locale;
import java.util.Optional;

/**
 * The loss became infinite or NaN, or grew beyond any use. The message says at which step and what
 * to try.
 */
public final class DivergenceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The step. */
  private final long step;

  private final transient LinearModel best;

  DivergenceException(String message, long step) {
    this(message, step, null, null);
  }

  private DivergenceException(String message, long step, LinearModel best, Throwable cause) {
    super(message, cause);
    this.step = step;
    this.best = best;
  }

  /** The same with the best parameters before. */
  DivergenceException with(LinearModel model, long epoch, double loss) {
    String before =
        String.format(Locale.ROOT, "; the best loss before was %.6g, after epoch %d", loss, epoch);
    return new DivergenceException(getMessage() + before, step, model, this);
  }

  /**
   * The model of the lowest training loss before, in raw units; empty if there was no progress, or
   * if the model has more than 16 million parameters.
   */
  public Optional<LinearModel> best() {
    return Optional.ofNullable(best);
  }

  /** The optimizer step at which it was seen, from 1. */
  public long step() {
    return step;
  }
}
