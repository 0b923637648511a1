package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/** {@link Sgd} with heavy-ball momentum in one pass: 20 bytes per F64 parameter. */
class MomentumStepF64 extends FusedStepF64 {
  MomentumStepF64(WorkerPool pool, StepBuffers buffers) {
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
    DoubleVector factor = splat(scale);
    DoubleVector rate = splat(-c.own[Sgd.RATE]);
    DoubleVector momentum = splat(c.own[Sgd.MOMENTUM]);
    DoubleVector intake = splat(c.own[Sgd.INTAKE]);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      DoubleVector g = load(gs, gAt + o).mul(factor);
      DoubleVector b = StepLanesF64.stored(fma(load(bs, bAt + o), momentum, g.mul(intake)));
      store(b, bs, bAt + o);
      store(fma(b, rate, load(ps, pAt + o)), ps, pAt + o);
    }
  }

  @Override
  void penalise(
      MemorySegment ps,
      long pAt,
      MemorySegment bs,
      long bAt,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      long n,
      StepCoefficients c) {
    DoubleVector threshold = splat(c.l1Step);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      store(StepLanesF64.softThreshold(load(ps, pAt + o), threshold), ps, pAt + o);
    }
  }
}
