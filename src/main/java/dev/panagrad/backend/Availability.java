package dev.panagrad.backend;

/** A probe's result says that the backend can run here, or why not and what would change that. */
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

  /** Says that the process denies this module the native access that a backend needs. */
  static Unavailable withoutNativeAccess(IllegalCallerException e) {
    Module own = Availability.class.getModule();
    String name = own.isNamed() ? own.getName() : "ALL-UNNAMED";
    return new Unavailable(e.getMessage(), "start java with --enable-native-access=" + name, e);
  }

  /** The backend can be opened; the detail is vector width, library version, device. */
  record Available(String detail) implements Availability {}

  /** The backend cannot run: what is missing, what to do about it, and the failure or null. */
  record Unavailable(String reason, String remedy, Throwable cause) implements Availability {
    /** Keeps reason and remedy, with no failure behind them. */
    public Unavailable(String reason, String remedy) {
      this(reason, remedy, null);
    }
  }
}
