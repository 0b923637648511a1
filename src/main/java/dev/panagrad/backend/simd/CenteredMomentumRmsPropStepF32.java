package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.TINY;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Centered {@link RmsProp} with momentum in one pass: reads or writes nine elements per parameter.
 */
final class CenteredMomentumRmsPropStepF32 extends CenteredRmsPropStepF32 {
  CenteredMomentumRmsPropStepF32(WorkerPool pool, StepBuffers buffers) {
    super(pool, buffers);
  }

  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment vs,
      long vAt,
      MemorySegment as,
      long aAt,
      MemorySegment bs,
      long bAt,
      int n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    FloatVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    FloatVector momentum = broadcast(SPECIES, narrow(c.own[RmsProp.MOMENTUM]));
    FloatVector zero = FloatVector.zero(SPECIES);
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector v =
          fromMemorySegment(SPECIES, vs, vAt + o, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(vs, vAt + o, ORDER);
      FloatVector a = fromMemorySegment(SPECIES, as, aAt + o, ORDER).fma(alpha, g.mul(intake));
      a = a.blend(zero, a.abs().compare(LT, TINY));
      a.intoMemorySegment(as, aAt + o, ORDER);
      FloatVector square = v.sub(a.mul(a));
      FloatVector root = square.blend(zero, square.compare(LT, zero)).sqrt().add(epsilon);
      FloatVector b = fromMemorySegment(SPECIES, bs, bAt + o, ORDER).fma(momentum, g.div(root));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(bs, bAt + o, ORDER);
      b.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
