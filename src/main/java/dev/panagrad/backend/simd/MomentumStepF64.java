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

/** {@link Sgd} with heavy-ball or Nesterov momentum in one pass: 20 bytes per F64 parameter. */
final class MomentumStepF64 extends FusedStep {
  private final boolean nesterov;

  MomentumStepF64(Sgd rule, WorkerPool pool, PaddedBuffers padded) {
    super(LanesF64.COUNT, LanesF64.BYTES, pool, padded);
    this.nesterov = rule.nesterov();
  }

  @Override
  void vectors(
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
      StepCoefficients c) {
    boolean clipped = c.clipValue < Double.POSITIVE_INFINITY;
    boolean decayed = c.coupledDecay != 0;
    boolean sparse = c.l1Step != 0;
    boolean ahead = nesterov;
    DoubleVector rate = splat(-c.own[Sgd.RATE]);
    DoubleVector momentum = splat(c.own[Sgd.MOMENTUM]);
    DoubleVector intake = splat(c.own[Sgd.INTAKE]);
    DoubleVector scale = splat(c.gradientScale);
    DoubleVector clip = splat(c.clipValue);
    DoubleVector decay = splat(c.coupledDecay);
    DoubleVector shrink = splat(c.shrink);
    DoubleVector l1 = splat(c.l1Step);
    long end = n * LanesF64.BYTES;
    long stride = (long) LanesF64.COUNT * LanesF64.BYTES;
    for (long o = 0; o < end; o += stride) {
      DoubleVector p = load(ps, pAt + o);
      DoubleVector g = load(gs, gAt + o).mul(scale);
      if (clipped) {
        g = StepLanesF64.clamped(g, clip);
      }
      if (decayed) {
        g = fma(p, decay, g);
      }
      DoubleVector b = StepLanesF64.stored(fma(load(bs, bAt + o), momentum, g.mul(intake)));
      store(b, bs, bAt + o);
      DoubleVector d = ahead ? fma(b, momentum, g) : b;
      p = fma(d, rate, p.mul(shrink));
      if (sparse) {
        p = StepLanesF64.softThreshold(p, l1);
      }
      store(p, ps, pAt + o);
    }
  }
}
