package dev.panagrad.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

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
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;

  final CudaKernel kernel;
  int gridX = 1;
  int gridY = 1;
  int blockX = 256;
  int blockY = 1;
  int sharedBytes;

  private final MemorySegment values;
  private final MemorySegment pointers;
  private final long[] offsets;

  /**
   * A place with that many arguments of at most 8 bytes.
   *
   * @param arena owner of the memory; shared
   */
  CudaLaunch(Arena arena, CudaKernel kernel, int arguments) {
    this(arena, kernel, words(arguments));
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

  private static int[] words(int arguments) {
    int[] words = new int[arguments];
    Arrays.fill(words, 1);
    return words;
  }

  MemorySegment values() {
    return values;
  }

  MemorySegment pointers() {
    return pointers;
  }

  /** Blocks in both directions, and threads of a block. */
  CudaLaunch shape(long newGridX, int newGridY, int newBlockX, int newBlockY) {
    gridX = Math.toIntExact(newGridX);
    gridY = newGridY;
    blockX = newBlockX;
    blockY = newBlockY;
    return this;
  }

  /** A device address, or a number of type {@code long long}. */
  CudaLaunch put(int argument, long value) {
    values.set(LONG, offsets[argument], value);
    return this;
  }

  /** A number of type {@code int}. */
  CudaLaunch putInt(int argument, int value) {
    values.set(INT, offsets[argument], value);
    return this;
  }

  /** A number of type {@code double}. */
  CudaLaunch put(int argument, double value) {
    values.set(DOUBLE, offsets[argument], value);
    return this;
  }

  /** A number inside a structure. */
  void put(int argument, int word, double value) {
    values.set(DOUBLE, offsets[argument] + (long) word * Double.BYTES, value);
  }

  @Override
  public String toString() {
    return "%s, %,d x %,d blocks of %d x %d threads, %,d bytes shared"
        .formatted(kernel.name(), gridX, gridY, blockX, blockY, sharedBytes);
  }
}
