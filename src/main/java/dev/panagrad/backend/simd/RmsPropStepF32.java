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

/** {@link RmsProp} in one pass: reads or writes five elements per parameter. */
class RmsPropStepF32 extends FusedStepF32 {
  RmsPropStepF32(WorkerPool pool, StepBuffers buffers) {
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
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    FloatVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    FloatVector zero = FloatVector.zero(SPECIES);
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector v =
          fromMemorySegment(SPECIES, vs, vAt + o, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(vs, vAt + o, ORDER);
      FloatVector root = v.sqrt().add(epsilon);
      g.fma(rate.div(root), fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }

  @Override
  void thresholds(
      MemorySegment ts,
      MemorySegment vs,
      long vAt,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      StepCoefficients c) {
    FloatVector l1 = broadcast(SPECIES, narrow(c.l1Step));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector root = fromMemorySegment(SPECIES, vs, vAt + o, ORDER).sqrt().add(epsilon);
      l1.div(root).intoMemorySegment(ts, o, ORDER);
    }
  }
}
