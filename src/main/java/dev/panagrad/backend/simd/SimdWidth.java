package dev.panagrad.backend.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;

/** The vector width of all kernels of this package. */
final class SimdWidth {
  /** 128, 256 or 512 bits in place of the machine's preference. */
  static final String PROPERTY = "panagrad.simd.bits";

  static final int BITS = bits();

  static final VectorShape SHAPE = VectorShape.forBitSize(BITS);

  private SimdWidth() {}

  private static int bits() {
    String property = System.getProperty(PROPERTY, "").strip();
    return switch (property) {
      case "" -> Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
      case "128" -> 128;
      case "256" -> 256;
      case "512" -> 512;
      default ->
          throw new IllegalArgumentException(
              "property " + PROPERTY + " must be 128, 256 or 512, found '" + property + "'");
    };
  }
}
