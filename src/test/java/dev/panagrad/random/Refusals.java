package dev.panagrad.random;

import java.util.Set;

/**
 * The exceptions that public calls document: of these classes, thrown by a check of the engine
 * itself, with a sentence. Any other throwable is a defect, and so is one of these from inside the
 * JDK, such as an access outside of a segment.
 */
final class Refusals {
  private static final Set<Class<?>> DOCUMENTED =
      Set.of(
          IllegalArgumentException.class,
          IllegalStateException.class,
          IndexOutOfBoundsException.class,
          WrongThreadException.class,
          ArithmeticException.class,
          UnsupportedOperationException.class);

  private Refusals() {}

  /** Throws {@link AssertionError} unless it is documented. */
  static void requireDocumented(Throwable thrown) {
    boolean isClass =
        DOCUMENTED.contains(thrown.getClass())
            || (thrown instanceof RuntimeException
                && thrown.getClass().getName().startsWith("dev.panagrad."));
    StackTraceElement[] trace = thrown.getStackTrace();
    boolean isOurs = trace.length > 0 && trace[0].getClassName().startsWith("dev.panagrad.");
    String message = thrown.getMessage();
    if (!isClass || !isOurs || message == null || message.length() < 10) {
      throw new AssertionError("an exception that no call documents: " + thrown, thrown);
    }
  }

  /** Class and sentence: what is to be the same for every number of threads. */
  static String text(Throwable thrown) {
    return thrown.getClass().getSimpleName() + ": " + thrown.getMessage();
  }
}
