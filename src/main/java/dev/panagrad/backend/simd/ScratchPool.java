package dev.panagrad.backend.simd;

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
final class ScratchPool<T> {
  /** Objects made, at most; a thread that finds all of them lent waits for one. */
  private static final int MOST = 64;

  private static final long PAUSE_NANOS = 10_000;

  private final AtomicReferenceArray<T> free = new AtomicReferenceArray<>(MOST);
  private final AtomicInteger made = new AtomicInteger();
  private final Supplier<T> maker;

  ScratchPool(Supplier<T> maker) {
    this.maker = maker;
  }

  /** Takes one; {@link #giveBack} must follow. */
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
        return maker.get();
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** Returns it. There are as many places as objects, so one is free or about to be. */
  void giveBack(T object) {
    int place = start();
    while (!free.compareAndSet(place, null, object)) {
      place = (place + 1) % MOST;
    }
  }

  /** Threads begin at different places, and each finds again what it gave back. */
  private static int start() {
    return (int) (Thread.currentThread().threadId() % MOST);
  }
}
