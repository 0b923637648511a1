package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Sgd} with Nesterov momentum in one pass: steps along the gradient plus the momentum of the
 * new velocity.
 */
final class NesterovStepF32 extends MomentumStepF32 {
  NesterovStepF32(WorkerPool pool, StepBuffers buffers) {
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
      long n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = splat(scale);
    FloatVector rate = splat(-c.own[Sgd.RATE]);
    FloatVector momentum = splat(c.own[Sgd.MOMENTUM]);
    FloatVector intake = splat(c.own[Sgd.INTAKE]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector g = load(gs, gAt + o).mul(factor);
      FloatVector b = StepLanesF32.stored(fma(load(bs, bAt + o), momentum, g.mul(intake)));
      store(b, bs, bAt + o);
      store(fma(fma(b, momentum, g), rate, load(ps, pAt + o)), ps, pAt + o);
    }
  }
}
