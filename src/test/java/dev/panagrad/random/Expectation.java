package dev.panagrad.random;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** How a call is to end: normally, or with an exception of one of the reasons to refuse it. */
final class Expectation {
  private final Program program;
  private final List<Class<? extends RuntimeException>> reasons = new ArrayList<>();

  Expectation(Program program) {
    this.program = program;
  }

  /** Adds a reason to refuse the call, if there is one. */
  Expectation refusedIf(boolean isReason, Class<? extends RuntimeException> exception) {
    if (isReason) {
      reasons.add(exception);
    }
    return this;
  }

  Expectation illegalIf(boolean isReason) {
    return refusedIf(isReason, IllegalArgumentException.class);
  }

  Expectation outsideIf(boolean isReason) {
    return refusedIf(isReason, IndexOutOfBoundsException.class);
  }

  boolean isRefused() {
    return !reasons.isEmpty();
  }

  /** The result of the call; null if it was refused as expected. */
  <T> T of(Supplier<T> call) {
    T result;
    try {
      result = call.get();
    } catch (RuntimeException thrown) {
      Refusals.requireDocumented(thrown);
      if (reasons.stream().noneMatch(reason -> reason.isInstance(thrown))) {
        throw new AssertionError("expected " + words() + ", found " + thrown, thrown);
      }
      program.ended(true);
      return null;
    }
    if (isRefused()) {
      throw new AssertionError("expected " + words() + ", found a result: " + result);
    }
    return result;
  }

  /** Runs a call without a result. */
  void run(Runnable call) {
    of(
        () -> {
          call.run();
          return true;
        });
  }

  private String words() {
    return isRefused() ? "one of " + reasons : "no exception";
  }
}
