package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesI32.LANES;
import static dev.panagrad.backend.simd.LanesI32.MAGNITUDE;
import static dev.panagrad.backend.simd.LanesI32.ORDER;
import static dev.panagrad.backend.simd.LanesI32.QUARTERS;
import static dev.panagrad.backend.simd.LanesI32.SPECIES;
import static dev.panagrad.backend.simd.LanesI32.STEPS;
import static dev.panagrad.backend.simd.LanesI32.VECTOR_STEP;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2B;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;

/**
 * {@link Block8} by vectors. A block with a number beyond the largest code is left to the
 * definition. Threads share an instance.
 */
final class Block8Codec {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  // Bits that are cut off, of numbers that are not negative and of others; parts of a signed code.
  static final int SHIFT = Block8.shift(true);
  static final int SIGNED_SHIFT = Block8.shift(false);
  static final int CODE = 0x7f;
  static final int SIGN = 0x80;

  private final boolean[] nonNegative;

  Block8Codec(UpdateRule rule) {
    nonNegative = new boolean[rule.slots().size()];
    for (int slot = 0; slot < nonNegative.length; slot++) {
      nonNegative[slot] = rule.isNonNegative(slot);
    }
  }

  int slots() {
    return nonNegative.length;
  }

  /** Where the codes of a block are. */
  static long codesAt(Tensor[] state, int slot, long b) {
    return state[2 * slot].byteOffset() + b * StateFormat.BLOCK;
  }

  /** The scale of a block. */
  static float scale(Tensor[] state, int slot, long b) {
    Tensor scales = state[2 * slot + 1];
    return scales.segment().get(FLOAT, scales.byteOffset() + b * Float.BYTES);
  }

  /** {@link Block8#offset} of a block. */
  int offset(float scale, int slot) {
    return Block8.offset(scale, nonNegative[slot]);
  }

  /** Reads block {@code b} of all slots, their codes and scales, into {@link StateBlock#slots}. */
  void decode(Tensor[] state, long b, StateBlock into) {
    for (int slot = 0; slot < slots(); slot++) {
      MemorySegment codes = state[2 * slot].segment();
      long at = codesAt(state, slot, b);
      float scale = scale(state, slot, b);
      if (Float.isNaN(scale)) {
        decodeByDefinition(codes, at, scale, nonNegative[slot], into.slots[slot]);
      } else if (nonNegative[slot]) {
        decodeMagnitudes(codes, at, offset(scale, slot), into.slots[slot]);
      } else {
        decodeSigned(codes, at, offset(scale, slot), into.slots[slot]);
      }
    }
  }

  private static void decodeMagnitudes(MemorySegment codes, long at, int offset, MemorySegment to) {
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector code =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes, at + i, ORDER)
                  .convertShape(ZERO_EXTEND_B2I, SPECIES, 0);
      code.lanewise(LSHL, SHIFT)
          .add(offset, code.compare(NE, 0))
          .intoMemorySegment(to, (long) i * Float.BYTES, ORDER);
    }
  }

  private static void decodeSigned(MemorySegment codes, long at, int offset, MemorySegment to) {
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector code =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes, at + i, ORDER)
                  .convertShape(ZERO_EXTEND_B2I, SPECIES, 0);
      IntVector magnitude = code.and(CODE);
      magnitude
          .lanewise(LSHL, SIGNED_SHIFT)
          .add(offset, magnitude.compare(NE, 0))
          .or(code.and(SIGN).lanewise(LSHL, 24))
          .intoMemorySegment(to, (long) i * Float.BYTES, ORDER);
    }
  }

  private static void decodeByDefinition(
      MemorySegment codes, long at, float scale, boolean isNonNegative, MemorySegment into) {
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      float x = Block8.decode(Byte.toUnsignedInt(codes.get(BYTE, at + j)), scale, isNonNegative);
      into.set(FLOAT, (long) j * Float.BYTES, x);
    }
  }

  /** The bits of the largest magnitudes of a block's slots, into {@link StateBlock#largest}. */
  void findLargest(StateBlock block) {
    for (int slot = 0; slot < slots(); slot++) {
      block.largest[slot] = largest(block.slots[slot]);
    }
  }

  /** Those of NaN are larger than any number's. */
  private static int largest(MemorySegment from) {
    IntVector a = IntVector.zero(SPECIES);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      long in = (long) i * Float.BYTES;
      a = a.max(IntVector.fromMemorySegment(SPECIES, from, in, ORDER).and(MAGNITUDE));
    }
    return a.reduceLanes(MAX);
  }

  /**
   * Rounds a block of all slots by the random bits of that step, and writes it. Its largest
   * magnitudes have been found.
   */
  void encode(Tensor[] state, long b, StateBlock from, long step) {
    for (int slot = 0; slot < slots(); slot++) {
      MemorySegment codes = state[2 * slot].segment();
      long at = codesAt(state, slot, b);
      Tensor scales = state[2 * slot + 1];
      MemorySegment numbers = from.slots[slot];
      float scale = Block8.scale(from.largest[slot], nonNegative[slot]);
      scales.segment().set(FLOAT, scales.byteOffset() + b * Float.BYTES, scale);
      int random = RoundingBits.of(step, slot, b * StateFormat.BLOCK);
      if (Float.isNaN(scale) || from.largest[slot] > Float.floatToRawIntBits(scale)) {
        encodeByDefinition(numbers, scale, nonNegative[slot], random, codes, at);
        continue;
      }
      // Where bytes are stored eight at a time for four elements, the last would be too many.
      boolean fits = QUARTERS.length() == LANES;
      MemorySegment to = fits ? codes : from.codes;
      long toAt = fits ? at : 0;
      if (nonNegative[slot]) {
        encodeMagnitudes(numbers, offset(scale, slot), random, to, toAt);
      } else {
        encodeSigned(numbers, offset(scale, slot), random, to, toAt);
      }
      if (!fits) {
        MemorySegment.copy(to, 0, codes, at, StateFormat.BLOCK);
      }
    }
  }

  private static void encodeMagnitudes(
      MemorySegment from, int offset, int first, MemorySegment codes, long at) {
    IntVector zero = IntVector.zero(SPECIES);
    IntVector one = IntVector.broadcast(SPECIES, 1 << SHIFT);
    IntVector random = IntVector.broadcast(SPECIES, first).add(STEPS);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, (long) i * Float.BYTES, ORDER);
      IntVector code =
          x.sub(offset)
              .add(random.lanewise(LSHR, Integer.SIZE - SHIFT))
              .max(zero.blend(one, x.compare(GT, zero)))
              .lanewise(LSHR, SHIFT);
      ((ByteVector) code.convertShape(I2B, QUARTERS, 0)).intoMemorySegment(codes, at + i, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }

  private static void encodeSigned(
      MemorySegment from, int offset, int first, MemorySegment codes, long at) {
    IntVector zero = IntVector.zero(SPECIES);
    IntVector random = IntVector.broadcast(SPECIES, first).add(STEPS);
    for (int i = 0; i < StateFormat.BLOCK; i += LANES) {
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, (long) i * Float.BYTES, ORDER);
      IntVector code =
          x.and(MAGNITUDE)
              .sub(offset)
              .add(random.lanewise(LSHR, Integer.SIZE - SIGNED_SHIFT))
              .max(zero)
              .lanewise(LSHR, SIGNED_SHIFT)
              .or(x.lanewise(LSHR, 24).and(SIGN));
      ((ByteVector) code.convertShape(I2B, QUARTERS, 0)).intoMemorySegment(codes, at + i, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }

  private static void encodeByDefinition(
      MemorySegment from,
      float scale,
      boolean isUnsigned,
      int first,
      MemorySegment codes,
      long at) {
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      float x = from.get(FLOAT, (long) j * Float.BYTES);
      int random = RoundingBits.after(first, j);
      codes.set(BYTE, at + j, (byte) Block8.encode(x, scale, isUnsigned, random));
    }
  }
}
