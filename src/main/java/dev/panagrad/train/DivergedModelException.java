package dev.panagrad.train;

/**
 * The parameters of an {@link OnlineRegression} are beyond use: not finite, or worse than none. If
 * it {@linkplain #isRestored was restored}, it has returned to its last good ones and goes on;
 * otherwise it refuses rows and gives no model until {@link OnlineRegression#rollBack} or {@link
 * OnlineRegression#reset}.
 */
public final class DivergedModelException extends DivergenceException {
  private static final long serialVersionUID = 1;
  private final boolean isRestored;

  DivergedModelException(String message, long step, boolean isRestored) {
    super(message, step);
    this.isRestored = isRestored;
  }

  /** True if the regression has returned to its last good parameters and can be used. */
  public boolean isRestored() {
    return isRestored;
  }
}
