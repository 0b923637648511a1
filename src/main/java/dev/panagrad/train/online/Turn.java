package dev.panagrad.train.online;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Sees to it that one thread at a time is inside, and that memory is freed when nobody is. A second
 * thread is refused by name; it does not wait.
 */
public final class Turn {
  private static final Thread CLOSED = Thread.ofPlatform().name("closed").unstarted(() -> {});

  private final AtomicReference<Thread> inside = new AtomicReference<>();
  private final Runnable free;
  private volatile boolean isClosed;

  /** What frees the memory runs once: at the close, or where the thread that is inside leaves. */
  public Turn(Runnable free) {
    this.free = free;
  }

  /** Enters; throws {@link IllegalStateException} if closed, or another thread is inside. */
  public void enter() {
    requireOpen();
    Thread self = Thread.currentThread();
    Thread other = inside.compareAndExchange(null, self);
    if (other != null) {
      requireOpen();
      throw new IllegalStateException(
          other == self
              ? "the regression is used by its own source of rows while it reads one: take the model before or after"
              : "thread '%s' uses this regression while thread '%s' does: one at a time; give each thread a regression of its own, or all rows to one thread"
                  .formatted(self.getName(), other.getName()));
    }
  }

  public void leave() {
    inside.set(null); // before the flag is read, and so volatile
    if (isClosed) {
      freeOnce();
    }
  }

  /** Throws {@link IllegalStateException} once it is closed. */
  public void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException(
          "the regression is closed: its arena 'online regression' was closed");
    }
  }

  public void close() {
    isClosed = true;
    freeOnce();
  }

  private void freeOnce() {
    if (inside.compareAndSet(null, CLOSED)) {
      free.run();
    }
  }
}
