package dev.panagrad.backend.simd;

import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The bits of F32 vectors as integers: what the codecs of state need to know about them. */
final class LanesI32 {
  static final VectorSpecies<Integer> SPECIES = VectorSpecies.of(int.class, SimdWidth.F32_SHAPE);
  static final ByteOrder ORDER = ByteOrder.nativeOrder();
  static final int LANES = SPECIES.length();
  static final int MAGNITUDE = Block8.MAGNITUDE;
  static final int INFINITY = 0x7f800000;
  // RoundingBits#after of the first elements.
  static final IntVector STEPS =
      IntVector.fromArray(
          SPECIES, IntStream.range(0, LANES).map(j -> RoundingBits.after(0, j)).toArray(), 0);
  // Between the random bits of a vector and of the next.
  static final int VECTOR_STEP = RoundingBits.after(0, LANES);
  // As many as there are lanes.
  static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(
          short.class, VectorShape.forBitSize(SimdWidth.F32_SHAPE.vectorBitSize() / 2));
  // As many bytes, or more: there are no vectors below 64 bits.
  static final VectorSpecies<Byte> QUARTERS =
      VectorSpecies.of(
          byte.class,
          VectorShape.forBitSize(Math.max(64, SimdWidth.F32_SHAPE.vectorBitSize() / 4)));

  private LanesI32() {}
}
