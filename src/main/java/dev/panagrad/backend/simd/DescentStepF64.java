package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/**
 * {@link dev.panagrad.rule.GradientDescent}, and {@link Sgd} without momentum, in one pass: reads
 * or writes three elements per parameter.
 */
final class DescentStepF64 extends FusedStepF64 {
  DescentStepF64(WorkerPool pool, StepBuffers buffers) {
    super(pool, buffers);
  }

  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment s0,
      long s0At,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      double scale,
      StepCoefficients c) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    DoubleVector rate = broadcast(SPECIES, narrow(-c.own[Sgd.RATE]));
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      g.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
