package dev.panagrad.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * One place where a kernel is launched: its shape and its arguments, in native memory that is
 * allocated once and written before each launch.
 *
 * <pre>
 *   values    | argument 0 | argument 1 | ... |     each from a multiple of 8 bytes
 *   pointers  | to 0       | to 1       | ... |     what the driver reads, in the order of the source
 * </pre>
 */
final class CudaLaunch {
  static final int THREADS = 256;
  // More than any device runs at a time.
  private static final long MAX_BLOCKS = 1 << 20;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;

  final CudaKernel kernel;
  int gridX = 1;
  int gridY = 1;
  int blockX = 256;
  int blockY = 1;
  int sharedBytes;

  final MemorySegment values;
  final MemorySegment pointers;
  private final long[] offsets;

  /** A place with that many arguments of at most 8 bytes, in memory of a shared arena. */
  CudaLaunch(Arena arena, CudaKernel kernel, int arguments) {
    this(arena, kernel, IntStream.generate(() -> 1).limit(arguments).toArray());
  }

  /** A place whose arguments take these numbers of 8-byte words. */
  CudaLaunch(Arena arena, CudaKernel kernel, int[] words) {
    this.kernel = kernel;
    offsets = new long[words.length];
    long bytes = 0;
    for (int i = 0; i < words.length; i++) {
      offsets[i] = bytes;
      bytes += (long) words[i] * Long.BYTES;
    }
    values = arena.allocate(bytes, Long.BYTES);
    pointers = arena.allocate(ValueLayout.ADDRESS, words.length);
    for (int i = 0; i < words.length; i++) {
      pointers.setAtIndex(LONG, i, values.address() + offsets[i]);
    }
  }

  /** Blocks in both directions, and threads of a block. */
  CudaLaunch shape(long newGridX, int newGridY, int newBlockX, int newBlockY) {
    gridX = Math.toIntExact(newGridX);
    gridY = newGridY;
    blockX = newBlockX;
    blockY = newBlockY;
    return this;
  }

  /** One thread for each element; where they are too many, a kernel goes on in strides. */
  CudaLaunch overElements(long elements) {
    return shape(Math.clamp(Math.ceilDiv(elements, THREADS), 1, MAX_BLOCKS), 1, THREADS, 1);
  }

  /**
   * A device address, or a number of type {@code long long}; or {@code int}, which is the lower
   * half of one: systems with CUDA are little-endian.
   */
  CudaLaunch put(int argument, long value) {
    values.set(LONG, offsets[argument], value);
    return this;
  }

  // The others set that argument and those after it.

  CudaLaunch put(int argument, long value, long second) {
    return put(argument, value).put(argument + 1, second);
  }

  CudaLaunch put(int argument, long value, long second, long third) {
    return put(argument, value, second).put(argument + 2, third);
  }

  CudaLaunch put(int argument, long value, long second, long third, long fourth) {
    return put(argument, value, second).put(argument + 2, third, fourth);
  }

  /** A number of type {@code double}. */
  CudaLaunch put(int argument, double value) {
    values.set(DOUBLE, offsets[argument], value);
    return this;
  }

  /** A number inside a structure. */
  void putInside(int argument, int word, double value) {
    values.set(DOUBLE, offsets[argument] + (long) word * Double.BYTES, value);
  }

  @Override
  public String toString() {
    return "%s, %,d x %,d blocks of %d x %d threads, %,d bytes shared"
        .formatted(kernel.name(), gridX, gridY, blockX, blockY, sharedBytes);
  }
}
