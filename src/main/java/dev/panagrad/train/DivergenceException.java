package dev.panagrad.train;

/**
 * The loss became infinite or NaN, or grew beyond any use. The message says at which step and what
 * to try.
 */
public final class DivergenceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The step. */
  private final long step;

  DivergenceException(String message, long step) {
    super(message);
    this.step = step;
  }

  /** The optimizer step at which it was seen, from 1. */
  public long step() {
    return step;
  }
}
