package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Values in [-1, 1) that depend on seed and index alone, so that a check can ask for the value an
 * element had at the start without keeping a copy.
 */
public final class RandomValues {
  private RandomValues() {}

  /** Mixes as SplitMix64 does; 24 bits, which F32 holds exactly. */
  public static float at(long seed, long index) {
    long z = seed * 0x632BE59BD9B4E019L + (index + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z ^= z >>> 31;
    return (z >> 40) * 0x1p-23f;
  }

  public static Tensor tensor(TensorArena arena, String name, long seed, long... extents) {
    Tensor tensor = arena.allocate(name, DType.F32, extents);
    fill(tensor, seed);
    return tensor;
  }

  static void fill(Tensor tensor, long seed) {
    MemorySegment memory = NativeView.of(tensor);
    long count = tensor.count();
    for (long i = 0; i < count; i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, at(seed, i));
    }
  }
}
