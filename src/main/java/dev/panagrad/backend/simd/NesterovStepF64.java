package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.TINY;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/**
 * {@link Sgd} with Nesterov momentum in one pass: steps along the gradient plus the momentum of the
 * new velocity.
 */
final class NesterovStepF64 extends MomentumStepF64 {
  NesterovStepF64(WorkerPool pool, StepBuffers buffers) {
    super(pool, buffers);
  }

  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment bs,
      long bAt,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    DoubleVector rate = broadcast(SPECIES, narrow(-c.own[Sgd.RATE]));
    DoubleVector momentum = broadcast(SPECIES, narrow(c.own[Sgd.MOMENTUM]));
    DoubleVector intake = broadcast(SPECIES, narrow(c.own[Sgd.INTAKE]));
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      DoubleVector b = fromMemorySegment(SPECIES, bs, bAt + o, ORDER).fma(momentum, g.mul(intake));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(bs, bAt + o, ORDER);
      b.fma(momentum, g)
          .fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
