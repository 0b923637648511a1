package dev.panagrad.benchmark.ratio;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** What a contender takes from the heap on the thread that calls it. */
final class HeapBytes {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private HeapBytes() {}

  /** Bytes per repetition, once the code is compiled. */
  static double perRepetition(Contender contender, long times) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    contender.repeat(times);
    return (double) (THREADS.getCurrentThreadAllocatedBytes() - before) / times;
  }
}
