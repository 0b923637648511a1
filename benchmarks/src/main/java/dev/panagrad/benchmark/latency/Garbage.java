package dev.panagrad.benchmark.latency;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that allocate at a fixed rate, as the rest of a service does. Some of what they allocate
 * lives for a while, so that collections have something to copy.
 */
final class Garbage implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int OBJECT_BYTES = 1 << 10;

  /** What is allocated between two looks at the clock. */
  private static final int BURST_OBJECTS = 64;

  private static final int LIVING_OBJECTS = 8 << 10;

  private final long bytesPerSecond;
  private final AtomicLong allocated = new AtomicLong();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean closed;

  Garbage(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
    for (int i = 0; i < THREADS; i++) {
      threads.add(Thread.ofPlatform().daemon().name("garbage-" + i).start(this::allocate));
    }
  }

  private void allocate() {
    byte[][] living = new byte[LIVING_OBJECTS][];
    int next = 0;
    long burstBytes = (long) BURST_OBJECTS * OBJECT_BYTES;
    long burstNanos = burstBytes * THREADS * 1_000_000_000L / bytesPerSecond;
    long due = System.nanoTime();
    while (!closed) {
      for (int i = 0; i < BURST_OBJECTS; i++) {
        living[next] = new byte[OBJECT_BYTES];
        next = (next + 1) % LIVING_OBJECTS;
      }
      allocated.addAndGet(burstBytes);
      // A late burst is made up for, so that the rate is held.
      due += burstNanos;
      long wait = due - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
    }
  }

  /** Bytes that all threads have allocated so far. */
  long allocated() {
    return allocated.get();
  }

  @Override
  public void close() {
    closed = true;
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
