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

  Bf16Codec(UpdateRule rule) {
    super(rule);
  }

  @Override
  void decode(Tensor[] state, int slot, long first, int n, StateBlock into) {
    Tensor t = state[slot];
    decode(t.segment(), t.byteOffset() + first * Short.BYTES, n, into.slots[slot]);
  }

  private static void decode(MemorySegment codes, long at, int n, MemorySegment into) {
    for (int i = 0; i < n; i += LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromMemorySegment(HALF, codes, at + (long) i * Short.BYTES, ORDER)
                  .convertShape(ZERO_EXTEND_S2I, SPECIES, 0);
      bits.lanewise(LSHL, 16).intoMemorySegment(into, (long) i * Float.BYTES, ORDER);
    }
  }

  @Override
  void encode(Tensor[] state, int slot, long first, int n, StateBlock from, long step) {
    Tensor t = state[slot];
    long at = t.byteOffset() + first * Short.BYTES;
    for (int done = 0; done < n; done += StateFormat.BLOCK) {
      int key = RoundingBits.key(step, slot, (first + done) / StateFormat.BLOCK);
      encode(from.slots[slot], done, key, t.segment(), at + (long) done * Short.BYTES);
    }
  }

  private static void encode(MemorySegment from, int start, int key, MemorySegment codes, long at) {
    IntVector quiet = IntVector.broadcast(SPECIES, 0x400000);
    IntVector random = IntVector.broadcast(SPECIES, key).add(STEPS);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector bits =
          IntVector.fromMemorySegment(SPECIES, from, (start + (long) i) * Float.BYTES, ORDER);
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
