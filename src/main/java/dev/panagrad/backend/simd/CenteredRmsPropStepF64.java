package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.TINY;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/** Centered {@link RmsProp} in one pass: reads or writes seven elements per parameter. */
class CenteredRmsPropStepF64 extends FusedStepF64 {
  CenteredRmsPropStepF64(WorkerPool pool, StepBuffers buffers) {
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
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    DoubleVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    DoubleVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    DoubleVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    DoubleVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      DoubleVector v =
          fromMemorySegment(SPECIES, vs, vAt + o, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(vs, vAt + o, ORDER);
      DoubleVector a = fromMemorySegment(SPECIES, as, aAt + o, ORDER).fma(alpha, g.mul(intake));
      a = a.blend(zero, a.abs().compare(LT, TINY));
      a.intoMemorySegment(as, aAt + o, ORDER);
      DoubleVector square = v.sub(a.mul(a));
      DoubleVector root = square.blend(zero, square.compare(LT, zero)).sqrt().add(epsilon);
      g.fma(rate.div(root), fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }

  @Override
  void thresholds(
      MemorySegment ts,
      MemorySegment vs,
      long vAt,
      MemorySegment as,
      long aAt,
      MemorySegment s2,
      long s2At,
      int n,
      StepCoefficients c) {
    DoubleVector l1 = broadcast(SPECIES, narrow(c.l1Step));
    DoubleVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector a = fromMemorySegment(SPECIES, as, aAt + o, ORDER);
      DoubleVector square = fromMemorySegment(SPECIES, vs, vAt + o, ORDER).sub(a.mul(a));
      DoubleVector root = square.blend(zero, square.compare(LT, zero)).sqrt().add(epsilon);
      l1.div(root).intoMemorySegment(ts, o, ORDER);
    }
  }
}
