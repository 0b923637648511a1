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
final class DescentStepF32 extends FusedStep {
  DescentStepF32(WorkerPool pool, PaddedBuffers padded) {
    super(LanesF32.COUNT, LanesF32.BYTES, pool, padded);
  }

  @Override
  void vectors(
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
      StepCoefficients c) {
    boolean clipped = c.clipValue < Double.POSITIVE_INFINITY;
    boolean decayed = c.coupledDecay != 0;
    boolean sparse = c.l1Step != 0;
    FloatVector rate = splat(-c.own[Sgd.RATE]);
    FloatVector scale = splat(c.gradientScale);
    FloatVector clip = splat(c.clipValue);
    FloatVector decay = splat(c.coupledDecay);
    FloatVector shrink = splat(c.shrink);
    FloatVector l1 = splat(c.l1Step);
    long end = n * LanesF32.BYTES;
    long stride = (long) LanesF32.COUNT * LanesF32.BYTES;
    for (long o = 0; o < end; o += stride) {
      FloatVector p = load(ps, pAt + o);
      FloatVector g = load(gs, gAt + o).mul(scale);
      if (clipped) {
        g = StepLanesF32.clamped(g, clip);
      }
      if (decayed) {
        g = fma(p, decay, g);
      }
      p = fma(g, rate, p.mul(shrink));
      if (sparse) {
        p = StepLanesF32.softThreshold(p, l1);
      }
      store(p, ps, pAt + o);
    }
  }
}
