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

/** {@link RmsProp} with momentum in one pass: 28 bytes per F32 parameter. */
final class HeavyRmsPropStepF32 extends RmsPropStepF32 {
  HeavyRmsPropStepF32(WorkerPool pool, StepBuffers buffers) {
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
      MemorySegment bs,
      long bAt,
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
    FloatVector momentum = splat(c.own[RmsProp.MOMENTUM]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector g = load(gs, gAt + o).mul(factor);
      FloatVector v = StepLanesF32.stored(fma(load(vs, vAt + o), alpha, g.mul(intake).mul(g)));
      store(v, vs, vAt + o);
      FloatVector root = v.sqrt().add(epsilon);
      FloatVector b = StepLanesF32.stored(fma(load(bs, bAt + o), momentum, g.div(root)));
      store(b, bs, bAt + o);
      store(fma(b, rate, load(ps, pAt + o)), ps, pAt + o);
    }
  }
}
