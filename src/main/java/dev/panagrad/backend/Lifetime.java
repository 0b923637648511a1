package dev.panagrad.backend;

/**
 * Says whether a backend is open. All that it hands out shares it, so that every call after its end
 * is refused by the same sentence. Threading: any thread.
 */
public final class Lifetime {
  private final String backendName;
  private volatile boolean ended;

  /** Begins with the opening of a backend, which messages name by this. */
  public Lifetime(String backendName) {
    this.backendName = backendName;
  }

  /** Returns the backend's name. */
  public String backendName() {
    return backendName;
  }

  /** Throws {@link IllegalStateException} if the backend has been closed. */
  public void requireOpen() {
    if (ended) {
      throw closed();
    }
  }

  /** Returns the exception of every call that comes after the end. */
  public IllegalStateException closed() {
    return new IllegalStateException(
        "backend '%s' was closed; open another one".formatted(backendName));
  }

  /** Ends it: calls that begin later are refused. Returns false if it had ended before. */
  public synchronized boolean end() {
    boolean isFirst = !ended;
    ended = true;
    return isFirst;
  }
}
