package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.TINY;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static dev.panagrad.backend.simd.LanesI32.HALVES;
import static dev.panagrad.backend.simd.LanesI32.INFINITY;
import static dev.panagrad.backend.simd.LanesI32.MAGNITUDE;
import static dev.panagrad.backend.simd.LanesI32.STEPS;
import static dev.panagrad.backend.simd.LanesI32.VECTOR_STEP;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** {@link MomentumRmsPropStepF32} with BF16 state, generated from it. */
final class MomentumRmsPropStepBf16 extends RmsPropStepBf16 {
  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment vs,
      long vAt,
      MemorySegment bs,
      long bAt,
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c,
      MemorySegment pun,
      int[] random) {
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    FloatVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    FloatVector momentum = broadcast(SPECIES, narrow(c.own[RmsProp.MOMENTUM]));
    FloatVector zero = FloatVector.zero(SPECIES);
    IntVector random0 = IntVector.broadcast(LanesI32.SPECIES, random[0]).add(STEPS);
    IntVector random1 = IntVector.broadcast(LanesI32.SPECIES, random[1]).add(STEPS);
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += FusedStepF32.STRIDE) {
      ((IntVector)
              ShortVector.fromMemorySegment(HALVES, vs, vAt + (o >> 1), ORDER)
                  .convertShape(ZERO_EXTEND_S2I, LanesI32.SPECIES, 0))
          .lanewise(LSHL, 16)
          .intoMemorySegment(pun, SLOT_0, ORDER);
      ((IntVector)
              ShortVector.fromMemorySegment(HALVES, bs, bAt + (o >> 1), ORDER)
                  .convertShape(ZERO_EXTEND_S2I, LanesI32.SPECIES, 0))
          .lanewise(LSHL, 16)
          .intoMemorySegment(pun, SLOT_1, ORDER);
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector v =
          fromMemorySegment(SPECIES, pun, SLOT_0, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(pun, SLOT_0, ORDER);
      FloatVector root = v.sqrt().add(epsilon);
      FloatVector b = fromMemorySegment(SPECIES, pun, SLOT_1, ORDER).fma(momentum, g.div(root));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(pun, SLOT_1, ORDER);
      b.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
      IntVector bits0 = IntVector.fromMemorySegment(LanesI32.SPECIES, pun, SLOT_0, ORDER);
      ((ShortVector)
              bits0
                  .add(random0.lanewise(LSHR, 16))
                  .blend(bits0.or(QUIET), bits0.and(MAGNITUDE).compare(GT, INFINITY))
                  .lanewise(LSHR, 16)
                  .convertShape(I2S, HALVES, 0))
          .intoMemorySegment(vs, vAt + (o >> 1), ORDER);
      random0 = random0.add(VECTOR_STEP);
      IntVector bits1 = IntVector.fromMemorySegment(LanesI32.SPECIES, pun, SLOT_1, ORDER);
      ((ShortVector)
              bits1
                  .add(random1.lanewise(LSHR, 16))
                  .blend(bits1.or(QUIET), bits1.and(MAGNITUDE).compare(GT, INFINITY))
                  .lanewise(LSHR, 16)
                  .convertShape(I2S, HALVES, 0))
          .intoMemorySegment(bs, bAt + (o >> 1), ORDER);
      random1 = random1.add(VECTOR_STEP);
    }
  }
}
