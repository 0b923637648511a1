package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/** {@link RmsProp} in one pass: 20 bytes per F64 parameter. */
class RmsPropStepF64 extends FusedStepF64 {
  RmsPropStepF64(WorkerPool pool, StepBuffers buffers) {
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
    DoubleVector factor = splat(scale);
    DoubleVector alpha = splat(c.own[RmsProp.ALPHA]);
    DoubleVector intake = splat(c.own[RmsProp.ONE_MINUS_ALPHA]);
    DoubleVector rate = splat(-c.own[RmsProp.RATE]);
    DoubleVector epsilon = splat(c.own[RmsProp.EPSILON]);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      DoubleVector g = load(gs, gAt + o).mul(factor);
      DoubleVector v = StepLanesF64.stored(fma(load(vs, vAt + o), alpha, g.mul(intake).mul(g)));
      store(v, vs, vAt + o);
      DoubleVector root = v.sqrt().add(epsilon);
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
    DoubleVector l1 = splat(c.l1Step);
    DoubleVector epsilon = splat(c.own[RmsProp.EPSILON]);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      DoubleVector root = load(vs, vAt + o).sqrt().add(epsilon);
      store(StepLanesF64.softThreshold(load(ps, pAt + o), l1.div(root)), ps, pAt + o);
    }
  }
}
