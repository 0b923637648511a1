package dev.panagrad.backend.simd;

import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The bits of F32 vectors as integers: what the codecs of state need to know about them. */
final class LanesI32 {
  static final VectorSpecies<Integer> SPECIES = VectorSpecies.of(int.class, SimdWidth.F32_SHAPE);
  static final ByteOrder ORDER = ByteOrder.nativeOrder();
  static final int LANES = SPECIES.length();
  static final int MAGNITUDE = Block8.MAGNITUDE;
  static final int INFINITY = 0x7f800000;

  /** {@link RoundingBits#bits} of the first elements with the key 0. */
  static final IntVector STEPS = steps();

  /** Between the random bits of a vector and of the next. */
  static final int VECTOR_STEP = RoundingBits.bits(0, LANES);

  private LanesI32() {}

  private static IntVector steps() {
    int[] steps = new int[LANES];
    for (int j = 0; j < steps.length; j++) {
      steps[j] = RoundingBits.bits(0, j);
    }
    return IntVector.fromArray(SPECIES, steps, 0);
  }
}
