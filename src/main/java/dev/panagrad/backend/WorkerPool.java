package dev.panagrad.backend;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Parked worker threads share the chunks of a task with the calling thread. Running a task
 * allocates nothing.
 *
 * <p>Chunks are claimed in any order by any thread, so a task must write each chunk's result to a
 * place of its own and combine afterwards; then results do not depend on the number of threads.
 *
 * <p>Workers spin for some tens of microseconds after a task, because the next step usually follows
 * at once, and then park: an idle pool uses no CPU. Threads are daemons and end when the pool is
 * closed.
 */
public final class WorkerPool implements AutoCloseable {
  /** A task is cut into chunks. */
  @FunctionalInterface
  public interface ChunkTask {
    /**
     * Computes a chunk, from 0, on a worker; 0 is the caller, others are below {@link
     * WorkerPool#threads}.
     */
    void run(int chunk, int worker);
  }

  // Brief tasks that follow each other more closely are a stream, for which workers are woken.
  private static final long STREAM_NANOS = 50_000;

  // 20 to 40 microseconds of pauses: longer than the gap between two tasks of a kernel.
  private static final int SPINS = 1000;

  private final Lifetime owner;
  private final Worker[] workers;
  // Held while a task runs; kernels hold it around their shared scratch memory too.
  private final ReentrantLock turn = new ReentrantLock();

  // Chunks of the task (32 bits), and of them claimed (32). One long, so that a claim is one
  // compare-and-set: where it succeeds, that chunk of the task as it is then was free.
  private final AtomicLong ticket = new AtomicLong();
  private final AtomicInteger unfinished = new AtomicInteger();
  private ChunkTask task;
  private long briefEnd = System.nanoTime() - STREAM_NANOS;
  private volatile Throwable failure;
  private volatile Thread waiting;
  private volatile boolean closed;

  /** Starts {@code threads - 1} workers, for a backend that closes the pool at its end. */
  public WorkerPool(Lifetime owner, int threads) {
    this.owner = owner;
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, found " + threads);
    }
    workers = new Worker[threads - 1];
    Arrays.setAll(
        workers, i -> new Worker("panagrad-" + owner.backendName() + "-worker-" + (i + 1), i + 1));
    try {
      for (Worker worker : workers) {
        worker.start();
      }
    } catch (Throwable e) {
      // No more threads: those that have been started end.
      close();
      throw e;
    }
  }

  /** Returns the number of threads that share a task, the caller included. */
  public int threads() {
    return workers.length + 1;
  }

  /**
   * Takes the turn: nobody else runs a task or uses the owner's scratch memory until {@link
   * #release}. Throws IllegalStateException if the pool is closed, and that memory with it, or if
   * called while this thread has the turn or runs a chunk, as by a loss that calls the backend.
   */
  public void acquire() {
    requireOutside(turn.isHeldByCurrentThread());
    turn.lock();
    if (closed) {
      turn.unlock();
      throw owner.closed();
    }
  }

  /** Gives the turn back. */
  public void release() {
    turn.unlock();
  }

  /**
   * Runs chunks as {@link #run(ChunkTask, int)}, or all on this thread, which has the turn, where
   * others may not read the operands or there is too little to share.
   */
  public void run(ChunkTask newTask, int chunks, boolean isShareable) {
    if (isShareable) {
      run(newTask, chunks);
      return;
    }
    for (int chunk = 0; chunk < chunks; chunk++) {
      newTask.run(chunk, 0);
    }
  }

  /**
   * Runs all chunks of a task that takes little longer than waking a worker. Those that spin after
   * the last task help; others are woken only where such tasks follow each other.
   */
  public void runBrief(ChunkTask newTask, int chunks) {
    share(newTask, chunks, true);
  }

  /**
   * Runs all chunks and returns when they are done. The caller computes too. A failure of a chunk
   * is thrown here after the others have ended. Throws IllegalStateException if a chunk calls it.
   */
  public void run(ChunkTask newTask, int chunks) {
    share(newTask, chunks, false);
  }

  private void share(ChunkTask newTask, int chunks, boolean isBrief) {
    requireOutside(turn.isHeldByCurrentThread() && task != null);
    turn.lock();
    try {
      if (workers.length == 0 || chunks <= 1 || closed) {
        run(newTask, chunks, false);
        return;
      }
      task = newTask;
      failure = null;
      unfinished.set(chunks);
      ticket.set((long) chunks << 32);
      boolean wakes = !isBrief || System.nanoTime() - briefEnd < STREAM_NANOS;
      int helpers = wakes ? Math.min(workers.length, chunks - 1) : 0;
      for (int i = 0; i < helpers; i++) {
        workers[i].wake();
      }
      claimChunks(0);
      awaitUnfinished();
      task = null;
      briefEnd = isBrief ? System.nanoTime() : briefEnd;
      Throwable thrown = failure;
      if (thrown != null) {
        failure = null;
        rethrow(thrown);
      }
    } finally {
      turn.unlock();
    }
  }

  private void requireOutside(boolean isInside) {
    if (isInside || Thread.currentThread() instanceof Worker) {
      throw new IllegalStateException(
          "backend '%s' cannot be called from within a task, as by a loss"
              .formatted(owner.backendName()));
    }
  }

  private static void rethrow(Throwable thrown) {
    switch (thrown) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(thrown);
    }
  }

  private static boolean hasChunk(long ticket) {
    return (int) ticket < ticket >>> 32;
  }

  private void claimChunks(int worker) {
    for (long claimed = ticket.get(); hasChunk(claimed); claimed = ticket.get()) {
      if (!ticket.compareAndSet(claimed, claimed + 1)) {
        continue;
      }
      try {
        if (failure == null) {
          task.run((int) claimed, worker);
        }
      } catch (Throwable e) {
        failure = e;
      }
      if (unfinished.decrementAndGet() == 0) {
        LockSupport.unpark(waiting);
      }
    }
  }

  private void awaitUnfinished() {
    for (int spin = 0; spin < SPINS; spin++) {
      if (unfinished.get() == 0) {
        return;
      }
      Thread.onSpinWait();
    }
    boolean interrupted = false;
    waiting = Thread.currentThread();
    while (unfinished.get() != 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    waiting = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the workers and waits for them. Tasks run on the caller alone from then on. */
  @Override
  public void close() {
    turn.lock();
    try {
      closed = true;
      boolean interrupted = false;
      for (Worker worker : workers) {
        LockSupport.unpark(worker);
        while (worker.isAlive()) {
          try {
            worker.join();
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    } finally {
      turn.unlock();
    }
  }

  private final class Worker extends Thread {
    private final int number;
    private volatile boolean parked;

    Worker(String name, int number) {
      super(null, null, name, 0, false);
      this.number = number;
      setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      int spins = 0;
      while (!closed) {
        if (hasChunk(ticket.get())) {
          claimChunks(number);
          spins = 0;
        } else if (spins++ < SPINS) {
          Thread.onSpinWait();
        } else {
          parked = true;
          if (!hasChunk(ticket.get()) && !closed) {
            LockSupport.park(WorkerPool.this);
            // Whoever interrupted it meant something else; park would return at once from now on.
            Thread.interrupted();
          }
          parked = false;
          spins = 0;
        }
      }
    }
  }
}
