package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesI32.LANES;
import static dev.panagrad.backend.simd.LanesI32.MAGNITUDE;
import static dev.panagrad.backend.simd.LanesI32.ORDER;
import static dev.panagrad.backend.simd.LanesI32.SPECIES;
import static dev.panagrad.backend.simd.LanesI32.STEPS;
import static dev.panagrad.backend.simd.LanesI32.VECTOR_STEP;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;

import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;

/**
 * {@link Block8} by vectors. A word of 32 bits has the codes of four elements that are a {@link
 * Block8#RUN} apart, so that four vectors of numbers are one vector of words, whatever its width:
 *
 * <pre>
 *   byte of a word      3           2           1           0
 *   element          192 + i     128 + i      64 + i        i
 * </pre>
 *
 * A block with a number that is not finite is left to the definition.
 */
final class Block8Codec extends StateCodec {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final int RUN = Block8.RUN;

  /** From an element to the next of the same word, in F32. */
  private static final long RUN_BYTES = RUN * (long) Float.BYTES;

  /** Between the random bits of these. */
  private static final int RUN_1 = RoundingBits.bits(0, Block8.RUN);

  private static final int RUN_2 = RoundingBits.bits(0, 2 * Block8.RUN);
  private static final int RUN_3 = RoundingBits.bits(0, 3 * Block8.RUN);

  /** Bits that are cut off, of numbers that are not negative and of others. */
  private static final int SHIFT = Block8.shift(true);

  private static final int SIGNED_SHIFT = Block8.shift(false);

  Block8Codec(UpdateRule rule) {
    super(rule);
  }

  @Override
  void decode(Tensor[] state, long b, StateBlock into) {
    for (int slot = 0; slot < slots(); slot++) {
      MemorySegment codes = state[2 * slot].segment();
      long at = state[2 * slot].byteOffset() + b * StateFormat.BLOCK;
      Tensor scales = state[2 * slot + 1];
      float scale = scales.segment().get(FLOAT, scales.byteOffset() + b * Float.BYTES);
      boolean isNonNegative = isNonNegative(slot);
      int offset = Block8.offset(scale, isNonNegative);
      if (Float.isNaN(scale)) {
        decodeByDefinition(codes, at, scale, isNonNegative, into.slots[slot]);
      } else if (isNonNegative) {
        decodeMagnitudes(codes, at, offset, into.slots[slot]);
      } else {
        decodeSigned(codes, at, offset, into.slots[slot]);
      }
    }
  }

  private static void decodeMagnitudes(
      MemorySegment codes, long at, int offsetBits, MemorySegment into) {
    IntVector offset = IntVector.broadcast(SPECIES, offsetBits);
    IntVector mask = IntVector.broadcast(SPECIES, 0xff << SHIFT);
    IntVector zero = IntVector.zero(SPECIES);
    for (int i = 0; i < RUN; i += LANES) {
      IntVector words =
          IntVector.fromMemorySegment(SPECIES, codes, at + (long) i * Integer.BYTES, ORDER);
      long to = (long) i * Float.BYTES;
      IntVector c = words.lanewise(LSHL, SHIFT).and(mask);
      IntVector x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.intoMemorySegment(into, to, ORDER);
      c = words.lanewise(LSHL, SHIFT - 8).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.intoMemorySegment(into, to + RUN_BYTES, ORDER);
      c = words.lanewise(LSHL, SHIFT - 16).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.intoMemorySegment(into, to + 2 * RUN_BYTES, ORDER);
      c = words.lanewise(LSHR, 24 - SHIFT).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.intoMemorySegment(into, to + 3 * RUN_BYTES, ORDER);
    }
  }

  private static void decodeSigned(
      MemorySegment codes, long at, int offsetBits, MemorySegment into) {
    IntVector offset = IntVector.broadcast(SPECIES, offsetBits);
    IntVector mask = IntVector.broadcast(SPECIES, 0x7f << SIGNED_SHIFT);
    IntVector zero = IntVector.zero(SPECIES);
    IntVector sign = IntVector.broadcast(SPECIES, ~MAGNITUDE);
    for (int i = 0; i < RUN; i += LANES) {
      IntVector words =
          IntVector.fromMemorySegment(SPECIES, codes, at + (long) i * Integer.BYTES, ORDER);
      long to = (long) i * Float.BYTES;
      IntVector c = words.lanewise(LSHL, SIGNED_SHIFT).and(mask);
      IntVector x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.or(words.lanewise(LSHL, 24).and(sign)).intoMemorySegment(into, to, ORDER);
      c = words.lanewise(LSHL, SIGNED_SHIFT - 8).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.or(words.lanewise(LSHL, 16).and(sign)).intoMemorySegment(into, to + RUN_BYTES, ORDER);
      c = words.lanewise(LSHL, SIGNED_SHIFT - 16).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.or(words.lanewise(LSHL, 8).and(sign)).intoMemorySegment(into, to + 2 * RUN_BYTES, ORDER);
      c = words.lanewise(LSHR, 24 - SIGNED_SHIFT).and(mask);
      x = c.add(offset).blend(zero, c.compare(EQ, 0));
      x.or(words.and(sign)).intoMemorySegment(into, to + 3 * RUN_BYTES, ORDER);
    }
  }

  private static void decodeByDefinition(
      MemorySegment codes, long at, float scale, boolean isNonNegative, MemorySegment into) {
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      int code = Byte.toUnsignedInt(codes.get(ValueLayout.JAVA_BYTE, at + Block8.position(j)));
      float x = Block8.decode(code, scale, isNonNegative);
      into.set(FLOAT, (long) j * Float.BYTES, x);
    }
  }

  @Override
  void encode(Tensor[] state, long b, StateBlock from, long step) {
    for (int slot = 0; slot < slots(); slot++) {
      MemorySegment codes = state[2 * slot].segment();
      long at = state[2 * slot].byteOffset() + b * StateFormat.BLOCK;
      Tensor scales = state[2 * slot + 1];
      MemorySegment numbers = from.slots[slot];
      boolean isNonNegative = isNonNegative(slot);
      float scale = Block8.scale(largest(numbers), isNonNegative);
      scales.segment().set(FLOAT, scales.byteOffset() + b * Float.BYTES, scale);
      int offset = Block8.offset(scale, isNonNegative);
      int key = RoundingBits.key(step, slot, b);
      if (Float.isNaN(scale)) {
        encodeByDefinition(numbers, scale, isNonNegative, codes, at);
      } else if (isNonNegative) {
        encodeMagnitudes(numbers, offset, key, codes, at);
      } else {
        encodeSigned(numbers, offset, key, codes, at);
      }
    }
  }

  /** The bits of the largest magnitude of a block; those of NaN are larger than any number's. */
  private static int largest(MemorySegment from) {
    IntVector a = IntVector.zero(SPECIES);
    IntVector b = a;
    for (int i = 0; i < 2 * RUN; i += LANES) {
      long in = (long) i * Float.BYTES;
      a = a.max(IntVector.fromMemorySegment(SPECIES, from, in, ORDER).and(MAGNITUDE));
      long other = in + 2 * RUN_BYTES;
      b = b.max(IntVector.fromMemorySegment(SPECIES, from, other, ORDER).and(MAGNITUDE));
    }
    return a.max(b).reduceLanes(MAX);
  }

  private static void encodeMagnitudes(
      MemorySegment from, int offsetBits, int key, MemorySegment codes, long at) {
    IntVector offset = IntVector.broadcast(SPECIES, offsetBits);
    IntVector zero = IntVector.zero(SPECIES);
    IntVector one = IntVector.broadcast(SPECIES, 1 << SHIFT);
    IntVector random = IntVector.broadcast(SPECIES, key).add(STEPS);
    for (int i = 0; i < RUN; i += LANES) {
      long in = (long) i * Float.BYTES;
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, in, ORDER);
      IntVector c =
          x.sub(offset)
              .add(random.lanewise(LSHR, Integer.SIZE - SHIFT))
              .max(zero.blend(one, x.compare(GT, zero)))
              .lanewise(LSHR, SHIFT);
      IntVector words = c.and(0xff);
      x = IntVector.fromMemorySegment(SPECIES, from, in + RUN_BYTES, ORDER);
      c =
          x.sub(offset)
              .add(random.add(RUN_1).lanewise(LSHR, Integer.SIZE - SHIFT))
              .max(zero.blend(one, x.compare(GT, zero)))
              .lanewise(LSHR, SHIFT - 8);
      words = c.and(0xff00).or(words);
      x = IntVector.fromMemorySegment(SPECIES, from, in + 2 * RUN_BYTES, ORDER);
      c =
          x.sub(offset)
              .add(random.add(RUN_2).lanewise(LSHR, Integer.SIZE - SHIFT))
              .max(zero.blend(one, x.compare(GT, zero)))
              .lanewise(LSHR, SHIFT - 16);
      words = c.and(0xff0000).or(words);
      x = IntVector.fromMemorySegment(SPECIES, from, in + 3 * RUN_BYTES, ORDER);
      c =
          x.sub(offset)
              .add(random.add(RUN_3).lanewise(LSHR, Integer.SIZE - SHIFT))
              .max(zero.blend(one, x.compare(GT, zero)))
              .lanewise(LSHL, 24 - SHIFT);
      words = c.and(0xff000000).or(words);
      words.intoMemorySegment(codes, at + (long) i * Integer.BYTES, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }

  private static void encodeSigned(
      MemorySegment from, int offsetBits, int key, MemorySegment codes, long at) {
    IntVector offset = IntVector.broadcast(SPECIES, offsetBits);
    IntVector zero = IntVector.zero(SPECIES);
    IntVector magnitude = IntVector.broadcast(SPECIES, MAGNITUDE);
    IntVector random = IntVector.broadcast(SPECIES, key).add(STEPS);
    for (int i = 0; i < RUN; i += LANES) {
      long in = (long) i * Float.BYTES;
      IntVector x = IntVector.fromMemorySegment(SPECIES, from, in, ORDER);
      IntVector c =
          x.and(magnitude)
              .sub(offset)
              .add(random.lanewise(LSHR, Integer.SIZE - SIGNED_SHIFT))
              .max(zero)
              .lanewise(LSHR, SIGNED_SHIFT);
      IntVector words = c.and(0x7f);
      words = x.lanewise(LSHR, 24).and(0x80).or(words);
      x = IntVector.fromMemorySegment(SPECIES, from, in + RUN_BYTES, ORDER);
      c =
          x.and(magnitude)
              .sub(offset)
              .add(random.add(RUN_1).lanewise(LSHR, Integer.SIZE - SIGNED_SHIFT))
              .max(zero)
              .lanewise(LSHR, SIGNED_SHIFT - 8);
      words = c.and(0x7f00).or(words);
      words = x.lanewise(LSHR, 16).and(0x8000).or(words);
      x = IntVector.fromMemorySegment(SPECIES, from, in + 2 * RUN_BYTES, ORDER);
      c =
          x.and(magnitude)
              .sub(offset)
              .add(random.add(RUN_2).lanewise(LSHR, Integer.SIZE - SIGNED_SHIFT))
              .max(zero)
              .lanewise(LSHR, SIGNED_SHIFT - 16);
      words = c.and(0x7f0000).or(words);
      words = x.lanewise(LSHR, 8).and(0x800000).or(words);
      x = IntVector.fromMemorySegment(SPECIES, from, in + 3 * RUN_BYTES, ORDER);
      c =
          x.and(magnitude)
              .sub(offset)
              .add(random.add(RUN_3).lanewise(LSHR, Integer.SIZE - SIGNED_SHIFT))
              .max(zero)
              .lanewise(LSHL, 24 - SIGNED_SHIFT);
      words = c.and(0x7f000000).or(words);
      words = x.and(0x80000000).or(words);
      words.intoMemorySegment(codes, at + (long) i * Integer.BYTES, ORDER);
      random = random.add(VECTOR_STEP);
    }
  }

  private static void encodeByDefinition(
      MemorySegment from, float scale, boolean isNonNegative, MemorySegment codes, long at) {
    for (int j = 0; j < StateFormat.BLOCK; j++) {
      float x = from.get(FLOAT, (long) j * Float.BYTES);
      byte code = (byte) Block8.encode(x, scale, isNonNegative, 0);
      codes.set(ValueLayout.JAVA_BYTE, at + Block8.position(j), code);
    }
  }
}
