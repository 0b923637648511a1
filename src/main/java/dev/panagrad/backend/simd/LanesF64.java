package dev.panagrad.backend.simd;

import java.nio.ByteOrder;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** What the F64 kernels need to know about their vectors. */
final class LanesF64 {
  static final VectorSpecies<Double> SPECIES = VectorSpecies.of(double.class, SimdWidth.F64_SHAPE);
  // Vectors of half the lanes.
  static final VectorSpecies<Double> HALF =
      VectorSpecies.of(
          double.class, VectorShape.forBitSize(SimdWidth.F64_SHAPE.vectorBitSize() / 2));
  static final ByteOrder ORDER = ByteOrder.nativeOrder();
  static final int COUNT = SPECIES.length();
  static final int BYTES = Double.BYTES;
  static final double TINY = Double.MIN_NORMAL;
  // Sums of squares between these lost nothing that matters to overflow or underflow in F64.
  static final double SAFE_SQUARES_MIN = 1e-270;
  static final double SAFE_SQUARES_MAX = 1e290;
  // Exchange lanes that far apart; meaningless, and unused, where vectors are shorter.
  static final VectorShuffle<Double> SWAP_1 = swap(1);
  static final VectorShuffle<Double> SWAP_2 = swap(2);
  static final VectorShuffle<Double> SWAP_4 = swap(4);
  static final VectorShuffle<Double> SWAP_8 = swap(8);
  // Lane 0, and lane 1, everywhere.
  static final VectorShuffle<Double> LANE_0 = VectorShuffle.fromOp(SPECIES, _ -> 0);
  static final VectorShuffle<Double> LANE_1 = VectorShuffle.fromOp(SPECIES, _ -> 1);
  // Lanes 1, 3, 5 and so on.
  static final VectorMask<Double> ODD = lanes(lane -> lane % 2 == 1);
  // Lanes 2 and 3, 6 and 7, and so on.
  static final VectorMask<Double> SECOND = lanes(lane -> lane % 4 >= 2);
  static final VectorMask<Double> FIRST_FOUR = lanes(lane -> lane < 4);

  /**
   * The lanes after a last one used, by that one. Made once: making a mask in a kernel allocates
   * where the compiler stops inlining.
   */
  static final List<VectorMask<Double>> OUTSIDE =
      IntStream.range(0, COUNT).mapToObj(last -> SPECIES.indexInRange(0, last + 1).not()).toList();

  private LanesF64() {}

  static double narrow(double value) {
    return value;
  }

  private static VectorShuffle<Double> swap(int distance) {
    return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) % COUNT);
  }

  private static VectorMask<Double> lanes(IntPredicate isSet) {
    long bits = 0;
    for (int lane = 0; lane < COUNT; lane++) {
      bits |= isSet.test(lane) ? 1L << lane : 0;
    }
    return VectorMask.fromLong(SPECIES, bits);
  }
}
