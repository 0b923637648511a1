package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Rows in chunks that the threads of a backend share. They depend on sizes alone, so that what is
 * combined in their order has the same bits for any number of threads.
 */
final class RowChunks {
  private static final long CELLS = 1 << 17; // 1 MB as F64, which takes longer than waking a thread
  private static final int MOST = 256;

  private RowChunks() {}

  /** Computes what a chunk has, of positions from the first to before the end. */
  @FunctionalInterface
  interface Task<T> {
    T of(long first, long end);
  }

  /**
   * Returns the results of all chunks, in their order.
   *
   * @param backend whose threads compute; null for this thread alone, which also computes where the
   *     memory that is read is confined to it
   * @param columns how many cells a row has
   * @param read what the tasks read; null for what is not there
   */
  static <T> List<T> map(Backend backend, long count, long columns, Task<T> task, Tensor... read) {
    int chunks = Math.clamp(count / Math.max(1, CELLS / Math.max(1, columns)), 1, MOST);
    long rows = Math.ceilDiv(count, chunks);
    Object[] results = new Object[chunks];
    IntConsumer one =
        chunk -> {
          long first = Math.min(chunk * rows, count);
          results[chunk] = task.of(first, Math.min(first + rows, count));
        };
    if (backend != null && Arrays.stream(read).allMatch(t -> t == null || t.isShareable())) {
      backend.share(chunks, one);
    } else {
      IntStream.range(0, chunks).forEach(one);
    }
    @SuppressWarnings("unchecked")
    List<T> ordered = (List<T>) Arrays.asList(results);
    return ordered;
  }
}
