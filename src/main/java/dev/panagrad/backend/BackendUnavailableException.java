package dev.panagrad.backend;

/** A backend asked for by name cannot run here. The message has the table of all backends. */
public final class BackendUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Keeps the cause that the probe found, or null. */
  public BackendUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
