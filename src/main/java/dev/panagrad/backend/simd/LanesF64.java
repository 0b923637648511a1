package dev.panagrad.backend.simd;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the F64 kernels need to know about their vectors, and one-line helpers that are always
 * inlined.
 */
final class LanesF64 {
  static final VectorSpecies<Double> SPECIES = VectorSpecies.of(double.class, SimdWidth.SHAPE);
  static final int COUNT = SPECIES.length();
  static final int BYTES = Double.BYTES;
  static final double TINY = Double.MIN_NORMAL;

  /** Sums of squares between these lost nothing that matters to overflow or underflow in F64. */
  static final double SAFE_SQUARES_MIN = 1e-270;

  static final double SAFE_SQUARES_MAX = 1e290;

  private static final VectorShuffle<Double> SWAP_1 = swap(1);
  private static final VectorShuffle<Double> SWAP_2 = swap(2);
  private static final VectorShuffle<Double> SWAP_4 = swap(4);

  private static final boolean HAS_FMA = VmFacts.hasFma();

  private LanesF64() {}

  static DoubleVector load(MemorySegment segment, long byteOffset) {
    return DoubleVector.fromMemorySegment(SPECIES, segment, byteOffset, ByteOrder.nativeOrder());
  }

  static void store(DoubleVector v, MemorySegment segment, long byteOffset) {
    v.intoMemorySegment(segment, byteOffset, ByteOrder.nativeOrder());
  }

  static DoubleVector splat(double value) {
    return DoubleVector.broadcast(SPECIES, value);
  }

  static DoubleVector zero() {
    return DoubleVector.zero(SPECIES);
  }

  /**
   * a * b + c, fused where the machine has the instruction; elsewhere fma would run in BigDecimal.
   */
  static DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) {
    return HAS_FMA ? a.fma(b, c) : a.mul(b).add(c);
  }

  /**
   * The sum of the lanes, by halves: lane i + lane i^4, then ^2 and ^1. Not by reduceLanes, whose
   * order the interpreter and the compiler choose differently, so that a result would depend on how
   * warm the process is.
   */
  static double sum(DoubleVector v) {
    v = COUNT > 4 ? v.add(v.rearrange(SWAP_4)) : v;
    v = COUNT > 2 ? v.add(v.rearrange(SWAP_2)) : v;
    return v.add(v.rearrange(SWAP_1)).lane(0);
  }

  static double narrow(double value) {
    return value;
  }

  /** Exchanges lanes that far apart; meaningless, and unused, where vectors are shorter. */
  private static VectorShuffle<Double> swap(int distance) {
    return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) % COUNT);
  }
}
