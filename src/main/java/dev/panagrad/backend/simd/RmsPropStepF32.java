package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** {@link RmsProp} in one pass: 20 bytes per F32 parameter. */
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
      long n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = splat(scale);
    FloatVector alpha = splat(c.own[RmsProp.ALPHA]);
    FloatVector intake = splat(c.own[RmsProp.ONE_MINUS_ALPHA]);
    FloatVector rate = splat(-c.own[RmsProp.RATE]);
    FloatVector epsilon = splat(c.own[RmsProp.EPSILON]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector g = load(gs, gAt + o).mul(factor);
      FloatVector v = StepLanesF32.stored(fma(load(vs, vAt + o), alpha, g.mul(intake).mul(g)));
      store(v, vs, vAt + o);
      FloatVector root = v.sqrt().add(epsilon);
      store(fma(g, rate.div(root), load(ps, pAt + o)), ps, pAt + o);
    }
  }

  @Override
  void penalise(
      MemorySegment ps,
      long pAt,
      MemorySegment vs,
      long vAt,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      long n,
      StepCoefficients c) {
    FloatVector l1 = splat(c.l1Step);
    FloatVector epsilon = splat(c.own[RmsProp.EPSILON]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector root = load(vs, vAt + o).sqrt().add(epsilon);
      store(StepLanesF32.softThreshold(load(ps, pAt + o), l1.div(root)), ps, pAt + o);
    }
  }
}
