package dev.panagrad.backend.openblas;

/** Says why an OpenBLAS library cannot be used, and what would change that. */
final class UnusableLibraryError extends LinkageError {
  private static final long serialVersionUID = 1;
  private final String remedy;

  UnusableLibraryError(String reason, String remedy, Throwable cause) {
    super(reason, cause);
    this.remedy = remedy;
  }

  /** The one thing to do that fits the cause. */
  String remedy() {
    return remedy;
  }
}
