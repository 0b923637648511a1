package dev.panagrad.backend.simd;

import java.util.Optional;
import java.util.Set;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;

/** The vector width of all kernels of this package. */
final class SimdWidth {
  /** 128, 256 or 512 bits in place of the machine's preference. */
  static final String PROPERTY = "panagrad.simd.bits";

  private static final int WIDEST = FloatVector.SPECIES_PREFERRED.vectorBitSize();
  private static final String ASKED = System.getProperty(PROPERTY, "").strip();

  static final int BITS =
      ASKED.matches("128|256|512") ? Integer.parseInt(ASKED) : Math.clamp(WIDEST, 128, 512);

  static final VectorShape F32_SHAPE = VectorShape.forBitSize(BITS);

  /**
   * On x86, JDK 25 compiles no masks of two lanes and would make them objects, so that F64 has 256
   * bits at least.
   */
  static final VectorShape F64_SHAPE = VectorShape.forBitSize(isX86() ? Math.max(256, BITS) : BITS);

  private SimdWidth() {}

  /** Why these widths would be slow here, if they would. */
  static Optional<String> problem() {
    if (!ASKED.isEmpty() && !ASKED.equals(Integer.toString(BITS))) {
      return Optional.of(
          "property " + PROPERTY + " must be 128, 256 or 512, found '" + ASKED + "'");
    }
    int needed = Math.max(F32_SHAPE.vectorBitSize(), F64_SHAPE.vectorBitSize());
    return needed <= WIDEST
        ? Optional.empty()
        : Optional.of(needed + "-bit vectors are needed, and this machine has " + WIDEST + " bits");
  }

  private static boolean isX86() {
    return Set.of("amd64", "x86_64").contains(System.getProperty("os.arch"));
  }
}
