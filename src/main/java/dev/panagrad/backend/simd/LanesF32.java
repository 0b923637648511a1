package dev.panagrad.backend.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
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

  static float narrow(double value) {
    return (float) value;
  }
}
