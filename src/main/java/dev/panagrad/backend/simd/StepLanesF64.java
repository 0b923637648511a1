package dev.panagrad.backend.simd;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The parts that all fused steps share, as in {@link dev.panagrad.rule.StepCoefficients}; always
 * inlined. Compare and blend instead of min and max: a NaN then stays a NaN, as there.
 */
final class StepLanesF64 {
  private StepLanesF64() {}

  /** g clamped to [-bound, bound]. */
  static DoubleVector clamped(DoubleVector g, DoubleVector bound) {
    DoubleVector low = g.blend(bound, g.compare(VectorOperators.GT, bound));
    DoubleVector floor = bound.neg();
    return low.blend(floor, low.compare(VectorOperators.LT, floor));
  }

  /** s, or zero where s is subnormal. */
  static DoubleVector stored(DoubleVector s) {
    return s.blend(LanesF64.zero(), s.abs().compare(VectorOperators.LT, LanesF64.TINY));
  }

  /**
   * v, or zero where it is negative: rounding can make a difference of squares negative, exact
   * arithmetic cannot.
   */
  static DoubleVector positive(DoubleVector v) {
    return v.blend(LanesF64.zero(), v.compare(VectorOperators.LT, LanesF64.zero()));
  }

  /** The proximal map of threshold * |p|. */
  static DoubleVector softThreshold(DoubleVector p, DoubleVector threshold) {
    DoubleVector zero = LanesF64.zero();
    DoubleVector moved =
        p.sub(threshold).blend(p.add(threshold), p.compare(VectorOperators.LT, zero));
    return moved.blend(zero, p.abs().compare(VectorOperators.LE, threshold));
  }
}
