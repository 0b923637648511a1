package dev.panagrad.backend.simd;

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

import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The upper halves of F32 numbers, rounded by {@link RoundingBits#toBf16}. */
final class Bf16Codec extends StateCodec {
  /** As many lanes as an F32 vector has. */
  private static final VectorSpecies<Short> HALF =
      VectorSpecies.of(
          short.class, VectorShape.forBitSize(SimdWidth.F32_SHAPE.vectorBitSize() / 2));

  private static final long BLOCK_BYTES = StateFormat.BLOCK * (long) Short.BYTES;

  /** Of a NaN's bits, so that what is kept of it is one. */
  private static final int QUIET = 0x400000;

  Bf16Codec(UpdateRule rule) {
    super(rule);
  }

  @Override
  void decode(Tensor[] state, long b, StateBlock into) {
    for (int slot = 0; slot < slots(); slot++) {
      Tensor t = state[slot];
      decode(t.segment(), t.byteOffset() + b * BLOCK_BYTES, into.slots[slot]);
    }
  }

  private static void decode(MemorySegment codes, long at, MemorySegment into) {
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromMemorySegment(HALF, codes, at + (long) i * Short.BYTES, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, SPECIES, 0);
      bits.lanewise(LSHL, 16).intoMemorySegment(into, (long) i * Float.BYTES, ORDER);
    }
  }

  @Override
  void encode(Tensor[] state, long b, StateBlock from, long step) {
    for (int slot = 0; slot < slots(); slot++) {
      Tensor t = state[slot];
      int key = RoundingBits.key(step, slot, b);
      encode(from.slots[slot], key, t.segment(), t.byteOffset() + b * BLOCK_BYTES);
    }
  }

  private static void encode(MemorySegment from, int key, MemorySegment codes, long at) {
    IntVector quiet = IntVector.broadcast(SPECIES, QUIET);
    IntVector random = IntVector.broadcast(SPECIES, key).add(STEPS);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector bits = IntVector.fromMemorySegment(SPECIES, from, (long) i * Float.BYTES, ORDER);
      // Carries out of the mantissa go where they should, those out of a NaN do not.
      IntVector rounded =
          bits.add(random.lanewise(LSHR, 16))
              .blend(bits.or(quiet), bits.and(MAGNITUDE).compare(GT, INFINITY))
              .lanewise(LSHR, 16);
      ((ShortVector) rounded.convertShape(I2S, HALF, 0))
          .intoMemorySegment(codes, at + (long) i * Short.BYTES, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }
}
