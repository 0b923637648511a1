package dev.panagrad.train;

/** Why a training ended. */
public enum StopReason {
  /** All epochs were run. */
  EPOCHS("all epochs were run"),
  /** The watched loss stopped improving. */
  PATIENCE("the loss stopped improving by more than the tolerance"),
  /** The gradient became small enough. */
  GRADIENT("the gradient norm fell to its tolerance"),
  /** A method that looks at all rows has come to where its gradient is as good as zero. */
  CONVERGED("it converged"),
  /** No step lowers the loss. */
  ROUNDING("no step lowers the loss any more: what is left is rounding"),
  /** The time was up. */
  TIME("the maximum time was reached"),
  /** A listener returned false. */
  LISTENER("a listener asked to stop"),
  /** {@link Trainer#stopWhen} said so, perhaps within an epoch. */
  REQUEST("it was asked to stop");

  private final String words;

  StopReason(String words) {
    this.words = words;
  }

  /** The reason in words. */
  public String message() {
    return words;
  }
}
