package dev.panagrad.cli;

/** Options that do not make sense: exit status 2. */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UsageException(String message) {
    super(message);
  }
}
