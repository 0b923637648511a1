package dev.panagrad.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;

/**
 * Control blocks in device memory: the numbers of one optimizer's step, where its kernels read
 * them; and the memory of its launches. Both come back when the optimizer is no longer reachable
 * and another one is made: optimizers have no end of their own.
 *
 * <pre>
 *   | penalized: 13 doubles | exempt: 13 doubles | clip |pad|     256 bytes, as StepControl in step.cuh
 * </pre>
 *
 * <p>Threading: by the queue's lock.
 */
final class StepControls {
  static final int BLOCK_BYTES = 256;
  private static final int BLOCKS_AT_A_TIME = 64;

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final ArrayDeque<Long> free = new ArrayDeque<>();
  private final ReferenceQueue<Object> unreachable = new ReferenceQueue<>();
  private final Set<Control> taken = new HashSet<>();

  /** What one optimizer has. */
  static final class Control extends PhantomReference<Object> {
    final long address;
    final Arena launches = Arena.ofShared();

    private Control(Object user, ReferenceQueue<Object> unreachable, long address) {
      super(user, unreachable);
      this.address = address;
    }
  }

  StepControls(CudaQueue queue, CudaMemory memory) {
    this.queue = queue;
    this.memory = memory;
  }

  /** A block for as long as its user is reachable. */
  Control take(Object user) {
    for (var gone = unreachable.poll(); gone != null; gone = unreachable.poll()) {
      Control control = (Control) gone;
      taken.remove(control);
      // Its last launches may be held back.
      queue.flush();
      control.launches.close();
      free.add(control.address);
    }
    if (free.isEmpty()) {
      long start =
          memory
              .allocate("control blocks of steps", BLOCKS_AT_A_TIME * BLOCK_BYTES, false)
              .address();
      for (int i = 0; i < BLOCKS_AT_A_TIME; i++) {
        free.add(start + (long) i * BLOCK_BYTES);
      }
    }
    Control control = new Control(user, unreachable, free.poll());
    taken.add(control);
    return control;
  }

  /** Frees the memory of all launches; none is started any more. */
  void close() {
    taken.forEach(control -> control.launches.close());
    taken.clear();
  }
}
