package dev.panagrad.backend.simd;

import jdk.incubator.vector.VectorSpecies;

/** The bits of F64 vectors as integers. */
final class LanesI64 {
  static final VectorSpecies<Long> SPECIES = VectorSpecies.of(long.class, SimdWidth.F64_SHAPE);

  private LanesI64() {}
}
