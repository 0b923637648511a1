package dev.panagrad.backend.cuda;

import java.lang.ref.Cleaner;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Control blocks in device memory: the numbers of one optimizer's step, where its kernels read
 * them. A block goes back when its optimizer is no longer reachable; optimizers have no end of
 * their own.
 *
 * <pre>
 *   | penalised: 13 doubles | exempt: 13 doubles | clip |pad|     256 bytes, as StepControl in step.cuh
 * </pre>
 *
 * <p>Threading: by the queue's lock; blocks come back on the cleaner's thread.
 */
final class StepControls {
  static final int BLOCK_BYTES = 256;
  private static final int BLOCKS_AT_A_TIME = 64;
  private static final Cleaner CLEANER = Cleaner.create();

  private final CudaMemory memory;
  private final ArrayDeque<Long> fresh = new ArrayDeque<>();
  private final Queue<Long> returned = new ConcurrentLinkedQueue<>();

  StepControls(CudaMemory memory) {
    this.memory = memory;
  }

  /** A block for as long as its user is reachable. */
  long take(Object user) {
    Long block = returned.poll();
    if (block == null) {
      block = fresh.poll();
    }
    if (block == null) {
      long start =
          memory.allocate("control blocks of steps", BLOCKS_AT_A_TIME * BLOCK_BYTES).address();
      for (int i = 0; i < BLOCKS_AT_A_TIME; i++) {
        fresh.add(start + (long) i * BLOCK_BYTES);
      }
      block = fresh.poll();
    }
    long address = block;
    Queue<Long> back = returned;
    CLEANER.register(user, () -> back.add(address));
    return address;
  }
}
