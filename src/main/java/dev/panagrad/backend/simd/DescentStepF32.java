package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link dev.panagrad.rule.GradientDescent}, and {@link Sgd} without momentum, in one pass: reads
 * or writes three elements per parameter.
 */
final class DescentStepF32 extends FusedStepF32 {
  DescentStepF32(WorkerPool pool, StepBuffers buffers) {
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
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[Sgd.RATE]));
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      g.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
