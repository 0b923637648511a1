package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.Bf16Update.QUIET;
import static dev.panagrad.backend.simd.LanesI32.HALVES;
import static dev.panagrad.backend.simd.LanesI32.INFINITY;
import static dev.panagrad.backend.simd.LanesI32.LANES;
import static dev.panagrad.backend.simd.LanesI32.MAGNITUDE;
import static dev.panagrad.backend.simd.LanesI32.ORDER;
import static dev.panagrad.backend.simd.LanesI32.SPECIES;
import static dev.panagrad.backend.simd.LanesI32.STEPS;
import static dev.panagrad.backend.simd.LanesI32.VECTOR_STEP;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** Blocks of BF16 state to F32 and back, rounded as {@link dev.panagrad.rule.RoundingBits} says. */
final class Bf16Codec {
  private Bf16Codec() {}

  /** Where an element is. */
  static long at(Tensor state, long element) {
    return state.byteOffset() + element * Short.BYTES;
  }

  /** Widens a block. */
  static void decode(Tensor state, long b, MemorySegment into) {
    MemorySegment from = state.segment();
    long at = at(state, b * StateFormat.BLOCK);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromMemorySegment(HALVES, from, at + (long) i * Short.BYTES, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, SPECIES, 0);
      bits.lanewise(LSHL, 16).intoMemorySegment(into, (long) i * Float.BYTES, ORDER);
    }
  }

  /**
   * Rounds a block. What is BF16 already stays what it is.
   *
   * @param first random bits of the first element
   */
  static void encode(MemorySegment from, int first, Tensor state, long b) {
    MemorySegment to = state.segment();
    long at = at(state, b * StateFormat.BLOCK);
    IntVector random = IntVector.broadcast(SPECIES, first).add(STEPS);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector bits = IntVector.fromMemorySegment(SPECIES, from, (long) i * Float.BYTES, ORDER);
      // Carries out of the mantissa go where they should, those out of a NaN do not.
      IntVector rounded =
          bits.add(random.lanewise(LSHR, 16))
              .blend(bits.or(QUIET), bits.and(MAGNITUDE).compare(GT, INFINITY))
              .lanewise(LSHR, 16);
      ((ShortVector) rounded.convertShape(I2S, HALVES, 0))
          .intoMemorySegment(to, at + (long) i * Short.BYTES, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }
}
