package dev.panagrad.data;

/**
 * Data that cannot be used; the message says where (file, line, column), what was found, and what
 * to do.
 */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a message. */
  public DataException(String message) {
    super(message);
  }

  /** With a message and the failure behind it. */
  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
