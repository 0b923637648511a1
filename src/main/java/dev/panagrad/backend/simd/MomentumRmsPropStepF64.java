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

/** {@link RmsProp} with momentum in one pass: reads or writes seven elements per parameter. */
final class MomentumRmsPropStepF64 extends RmsPropStepF64 {
  MomentumRmsPropStepF64(WorkerPool pool, StepBuffers buffers) {
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
      int n,
      double scale,
      StepCoefficients c) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    DoubleVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    DoubleVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    DoubleVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    DoubleVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    DoubleVector momentum = broadcast(SPECIES, narrow(c.own[RmsProp.MOMENTUM]));
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      DoubleVector v =
          fromMemorySegment(SPECIES, vs, vAt + o, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(vs, vAt + o, ORDER);
      DoubleVector root = v.sqrt().add(epsilon);
      DoubleVector b = fromMemorySegment(SPECIES, bs, bAt + o, ORDER).fma(momentum, g.div(root));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(bs, bAt + o, ORDER);
      b.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
