package dev.panagrad.backend;

/** The result of a probe: the backend can run here, or why not and what would change that. */
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

  /** A backend with a native library, in a process that denies this module native access. */
  static Unavailable withoutNativeAccess(IllegalCallerException e) {
    Module own = Availability.class.getModule();
    String name = own.isNamed() ? own.getName() : "ALL-UNNAMED";
    return new Unavailable(e.getMessage(), "start java with --enable-native-access=" + name, e);
  }

  /** The backend can be opened; the detail is vector width, library version, device. */
  record Available(String detail) implements Availability {}

  /** What is missing, what to do about it, and the failure behind it or null. */
  record Unavailable(String reason, String remedy, Throwable cause) implements Availability {
    /** Without a failure behind it. */
    public Unavailable(String reason, String remedy) {
      this(reason, remedy, null);
    }
  }
}
