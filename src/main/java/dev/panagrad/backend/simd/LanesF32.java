package dev.panagrad.backend.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the F32 kernels need to know about their vectors, and one-line helpers that are always
 * inlined.
 */
final class LanesF32 {
  static final VectorSpecies<Float> SPECIES = VectorSpecies.of(float.class, SimdWidth.SHAPE);
  static final int COUNT = SPECIES.length();
  static final int BYTES = Float.BYTES;
  static final float TINY = Float.MIN_NORMAL;

  /** Sums of squares between these lost nothing that matters to overflow or underflow in F32. */
  static final double SAFE_SQUARES_MIN = 1e-24;

  static final double SAFE_SQUARES_MAX = 1e30;

  private static final VectorShuffle<Float> SWAP_1 = swap(1);
  private static final VectorShuffle<Float> SWAP_2 = swap(2);
  private static final VectorShuffle<Float> SWAP_4 = swap(4);
  private static final VectorShuffle<Float> SWAP_8 = swap(8);

  private static final boolean HAS_FMA = VmFacts.hasFma();

  private LanesF32() {}

  static FloatVector load(MemorySegment segment, long byteOffset) {
    return FloatVector.fromMemorySegment(SPECIES, segment, byteOffset, ByteOrder.nativeOrder());
  }

  static void store(FloatVector v, MemorySegment segment, long byteOffset) {
    v.intoMemorySegment(segment, byteOffset, ByteOrder.nativeOrder());
  }

  static FloatVector splat(double value) {
    return FloatVector.broadcast(SPECIES, (float) value);
  }

  static FloatVector zero() {
    return FloatVector.zero(SPECIES);
  }

  /**
   * a * b + c, fused where the machine has the instruction; elsewhere fma would run in BigDecimal.
   */
  static FloatVector fma(FloatVector a, FloatVector b, FloatVector c) {
    return HAS_FMA ? a.fma(b, c) : a.mul(b).add(c);
  }

  /**
   * The sum of the lanes, by halves: lane i + lane i^8, then ^4, ^2 and ^1. Not by reduceLanes,
   * whose order the interpreter and the compiler choose differently, so that a result would depend
   * on how warm the process is.
   */
  static float sum(FloatVector v) {
    v = COUNT > 8 ? v.add(v.rearrange(SWAP_8)) : v;
    v = COUNT > 4 ? v.add(v.rearrange(SWAP_4)) : v;
    v = COUNT > 2 ? v.add(v.rearrange(SWAP_2)) : v;
    return v.add(v.rearrange(SWAP_1)).lane(0);
  }

  static float narrow(double value) {
    return (float) value;
  }

  /** Exchanges lanes that far apart; meaningless, and unused, where vectors are shorter. */
  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) % COUNT);
  }
}
