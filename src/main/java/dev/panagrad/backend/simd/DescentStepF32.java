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
 * {@link dev.panagrad.rule.GradientDescent}, and {@link Sgd} without momentum, in one pass: 12
 * bytes per F32 parameter.
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
      long n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = splat(scale);
    FloatVector rate = splat(-c.own[Sgd.RATE]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector g = load(gs, gAt + o).mul(factor);
      store(fma(g, rate, load(ps, pAt + o)), ps, pAt + o);
    }
  }

  @Override
  void penalise(
      MemorySegment ps,
      long pAt,
      MemorySegment s0,
      long s0At,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      long n,
      StepCoefficients c) {
    FloatVector threshold = splat(c.l1Step);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      store(StepLanesF32.softThreshold(load(ps, pAt + o), threshold), ps, pAt + o);
    }
  }
}
