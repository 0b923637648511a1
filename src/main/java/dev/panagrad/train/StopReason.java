package dev.panagrad.train;

/** Says why a training ended, as {@link #message} does; a request is {@link Trainer#stopWhen}'s. */
public enum StopReason {
  EPOCHS("all epochs were run"),
  PATIENCE("the loss stopped improving by more than the tolerance"),
  GRADIENT("the gradient norm fell to its tolerance"),
  CONVERGED("it converged: no step lowers the loss by more than its rounding"),
  UNBOUNDED(
      "no step lowers the loss by more than its rounding, and coefficients still grow: its minimum is at infinity"),
  ROUNDING("no step lowers the loss any more"),
  TIME("the maximum time was reached"),
  LISTENER("a listener asked to stop"),
  REQUEST("it was asked to stop"),
  INTERRUPT("its thread was interrupted");

  private final String words;

  StopReason(String words) {
    this.words = words;
  }

  /** True where it was stopped from outside, before its end. */
  public boolean isEarly() {
    return this == REQUEST || this == INTERRUPT;
  }

  /** Returns the reason in words. */
  public String message() {
    return words;
  }
}
