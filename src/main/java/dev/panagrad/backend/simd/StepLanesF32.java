package dev.panagrad.backend.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The parts that all fused steps share, as in {@link dev.panagrad.rule.StepCoefficients}; always
 * inlined. Compare and blend instead of min and max: a NaN then stays a NaN, as there.
 */
final class StepLanesF32 {
  private StepLanesF32() {}

  /** g clamped to [-bound, bound]. */
  static FloatVector clamped(FloatVector g, FloatVector bound) {
    FloatVector low = g.blend(bound, g.compare(VectorOperators.GT, bound));
    FloatVector floor = bound.neg();
    return low.blend(floor, low.compare(VectorOperators.LT, floor));
  }

  /** s, or zero where s is subnormal. */
  static FloatVector stored(FloatVector s) {
    return s.blend(LanesF32.zero(), s.abs().compare(VectorOperators.LT, LanesF32.TINY));
  }

  /**
   * v, or zero where it is negative: rounding can make a difference of squares negative, exact
   * arithmetic cannot.
   */
  static FloatVector positive(FloatVector v) {
    return v.blend(LanesF32.zero(), v.compare(VectorOperators.LT, LanesF32.zero()));
  }

  /** The proximal map of threshold * |p|. */
  static FloatVector softThreshold(FloatVector p, FloatVector threshold) {
    FloatVector zero = LanesF32.zero();
    FloatVector moved =
        p.sub(threshold).blend(p.add(threshold), p.compare(VectorOperators.LT, zero));
    return moved.blend(zero, p.abs().compare(VectorOperators.LE, threshold));
  }
}
