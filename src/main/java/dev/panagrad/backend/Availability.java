package dev.panagrad.backend;

/**
 * The result of a probe: the backend can run here, or the reason it cannot and what would change
 * that.
 */
public sealed interface Availability {
  /** Throws {@link BackendUnavailableException} with reason and remedy if it is not available. */
  default Available orThrow(String backend) {
    return switch (this) {
      case Available yes -> yes;
      case Unavailable no ->
          throw new BackendUnavailableException(
              "backend '%s' is not available: %s; remedy: %s"
                  .formatted(backend, no.reason(), no.remedy()),
              no.cause());
    };
  }

  /**
   * The backend can be opened.
   *
   * @param detail what it found: vector width, library version, device
   */
  record Available(String detail) implements Availability {}

  /**
   * The backend cannot be opened.
   *
   * @param reason what is missing
   * @param remedy what to do about it
   * @param cause the failure behind it, or null
   */
  record Unavailable(String reason, String remedy, Throwable cause) implements Availability {
    /** Without a failure behind it. */
    public Unavailable(String reason, String remedy) {
      this(reason, remedy, null);
    }
  }
}
