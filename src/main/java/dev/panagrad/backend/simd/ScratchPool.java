package dev.panagrad.backend.simd;

import dev.panagrad.backend.Lifetime;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Scratch objects lent to one thread at a time, without a lock and without allocating once they
 * exist. Not a {@code ThreadLocal}: a service that handles each request on a thread of its own
 * would leave one object behind per request.
 *
 * @param <T> what is lent
 */
final class ScratchPool<T> implements AutoCloseable {
  /** Objects made, at most; a thread that finds all of them lent waits for one. */
  private static final int MOST = 64;

  private static final long PAUSE_NANOS = 10_000;

  private final AtomicReferenceArray<T> free = new AtomicReferenceArray<>(MOST);
  private final AtomicInteger made = new AtomicInteger();
  // Objects that the maker failed to make; there are no others in their place.
  private final AtomicInteger lost = new AtomicInteger();

  private final Lifetime lifetime;
  private final Supplier<T> maker;

  /** Lends what the maker makes, until the lifetime ends. */
  ScratchPool(Lifetime lifetime, Supplier<T> maker) {
    this.lifetime = lifetime;
    this.maker = maker;
  }

  /** Takes one; {@link #giveBack} must follow. IllegalStateException if the backend is closed. */
  T borrow() {
    while (true) {
      int start = start();
      for (int i = 0; i < MOST; i++) {
        T taken = free.getAndSet((start + i) % MOST, null);
        if (taken != null) {
          return taken;
        }
      }
      if (made.get() < MOST && made.getAndIncrement() < MOST) {
        return make();
      }
      lifetime.requireOpen();
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private T make() {
    try {
      return maker.get();
    } catch (Throwable e) {
      lost.getAndIncrement();
      throw e;
    }
  }

  /** Returns it. There are as many places as objects, so one is free or about to be. */
  void giveBack(T object) {
    int place = start();
    while (!free.compareAndSet(place, null, object)) {
      place = (place + 1) % MOST;
    }
  }

  /** Takes all back, waiting for those that are lent. The lifetime has ended. */
  @Override
  public void close() {
    // From here on no more are made.
    int lent = Math.min(MOST, made.getAndSet(MOST));
    while (lent > lost.get()) {
      for (int i = 0; i < MOST; i++) {
        if (free.getAndSet(i, null) != null) {
          lent--;
        }
      }
      if (lent > lost.get()) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  /** Threads begin at different places, and each finds again what it gave back. */
  private static int start() {
    return (int) (Thread.currentThread().threadId() % MOST);
  }
}
