package dev.panagrad.optimizer;

/** A schedule gave a learning rate that is negative or not finite; nothing was changed. */
public final class LearningRateException extends ArithmeticException {
  private static final long serialVersionUID = 1;

  LearningRateException(double rate, long step) {
    super(
        "the schedule gives learning rate %s at step %d; it must be in [0, infinity)"
            .formatted(rate, step));
  }
}
