package dev.panagrad.train;

/**
 * A row or batch of a stream was refused before its step, because its loss or gradient is not
 * finite or far beyond what is usual, or a target is none of the loss's. Parameters and state are
 * as before and as good: drop the row and go on.
 */
public final class RefusedRowException extends DivergenceException {
  private static final long serialVersionUID = 1;
  private final boolean isOtherStream;

  RefusedRowException(String message, long step, boolean isOtherStream) {
    super(message, step);
    this.isOtherStream = isOtherStream;
  }

  /**
   * True if it was the last of so many that the stream has changed: rows like it are accepted from
   * now on.
   */
  public boolean isOtherStream() {
    return isOtherStream;
  }
}
