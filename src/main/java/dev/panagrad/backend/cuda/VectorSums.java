package dev.panagrad.backend.cuda;

import dev.panagrad.backend.StepTrace;
import dev.panagrad.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Sums over a vector: each block of threads leaves one number in F64, and one block adds them in
 * order. How many blocks there are depends on the length only.
 *
 * <p>Threading: by the queue's lock.
 */
final class VectorSums {
  private static final int THREADS = CudaLaunch.THREADS;
  private static final long MAX_BLOCKS = 1024;
  // Elements for each thread of a block before another block is worth its start.
  private static final int ELEMENTS_PER_THREAD = 8;

  private final CudaQueue queue;
  private final TypedLaunch dot;
  private final TypedLaunch largest;
  private final TypedLaunch squares;
  private final CudaLaunch sumPartials;
  private final CudaLaunch largestOfPartials;
  private final CudaStorage partial;
  private final MemorySegment host;

  VectorSums(CudaQueue queue, CudaMemory memory) {
    this.queue = queue;
    partial = memory.allocate("partial sums of vectors", (MAX_BLOCKS + 2) * Double.BYTES, false);
    dot = new TypedLaunch(queue, "dot", 4);
    largest = new TypedLaunch(queue, "largest", 3);
    squares = new TypedLaunch(queue, "norm2", 4);
    sumPartials = queue.launchOf("sum_partials", "sum_partials", 3);
    largestOfPartials = queue.launchOf("sum_partials", "largest_of_partials", 3);
    host = queue.arena.allocate(2L * Double.BYTES, Double.BYTES);
  }

  /** Where the sum of the last kernel lies on the device. */
  long sumAddress() {
    return partial.address() + MAX_BLOCKS * Double.BYTES;
  }

  long largestAddress() {
    return sumAddress() + Double.BYTES;
  }

  /** Launches of {@code kernel(x, count, partial)} and the sum of its partial numbers. */
  void sum(TypedLaunch kernel, DType dtype, long x, long count) {
    CudaLaunch launch = kernel.of(dtype).put(0, x, count, partial.address());
    reduce(launch, count, sumPartials, sumAddress());
  }

  void dot(DType dtype, long x, long y, long count) {
    CudaLaunch launch = dot.of(dtype).put(0, x, y, count, partial.address());
    reduce(launch, count, sumPartials, sumAddress());
  }

  /**
   * The sum of squares. F64 elements are divided by the largest magnitude first, whose square may
   * not fit; squares of F32 elements always fit F64.
   */
  void squares(DType dtype, long x, long count) {
    boolean scaled = dtype == DType.F64;
    if (scaled) {
      CudaLaunch launch = largest.of(dtype).put(0, x, count, partial.address());
      reduce(launch, count, largestOfPartials, largestAddress());
    }
    long scale = scaled ? largestAddress() : 0;
    CudaLaunch launch = squares.of(dtype).put(0, x, count, scale, partial.address());
    reduce(launch, count, sumPartials, sumAddress());
  }

  private void reduce(CudaLaunch first, long count, CudaLaunch last, long to) {
    long blocks = Math.clamp(Math.ceilDiv(count, THREADS * ELEMENTS_PER_THREAD), 1, MAX_BLOCKS);
    queue.defer(first.shape(blocks, 1, THREADS, 1));
    queue.defer(queue.claim(last).put(0, partial.address(), blocks, to).shape(1, 1, THREADS, 1));
  }

  /** Waits for the sum. */
  double value() {
    return read(sumAddress());
  }

  /** Waits for the Euclidean norm of what {@link #squares} was called with. */
  double norm(DType dtype) {
    double sum = read(sumAddress());
    if (dtype == DType.F32) {
      return Math.sqrt(sum);
    }
    double largest = host.get(ValueLayout.JAVA_DOUBLE, Double.BYTES);
    boolean ordinary = largest > 0 && largest < Double.POSITIVE_INFINITY;
    return ordinary ? Math.sqrt(sum) * largest : largest;
  }

  private double read(long address) {
    queue.flush();
    queue.trace.count(StepTrace.Event.SYNCHRONIZATION);
    queue.driver.download(address, host, 0, 2L * Double.BYTES, queue.stream);
    queue.driver.synchronize(queue.stream);
    return host.get(ValueLayout.JAVA_DOUBLE, 0);
  }
}
