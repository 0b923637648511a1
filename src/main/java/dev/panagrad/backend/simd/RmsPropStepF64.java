package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link RmsProp} in one pass: 20 bytes per F64 parameter, and 8 more for each of centring and
 * momentum.
 */
final class RmsPropStepF64 extends FusedStep {
  private final boolean centered;
  private final boolean momentum;

  RmsPropStepF64(RmsProp rule, WorkerPool pool, PaddedBuffers padded) {
    super(LanesF64.COUNT, LanesF64.BYTES, pool, padded);
    this.centered = rule.centered();
    this.momentum = rule.hasMomentum();
  }

  @Override
  void vectors(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment vs,
      long vAt,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      long n,
      StepCoefficients c) {
    boolean clipped = c.clipValue < Double.POSITIVE_INFINITY;
    boolean decayed = c.coupledDecay != 0;
    boolean sparse = c.l1Step != 0;
    boolean mean = centered;
    boolean heavy = momentum;
    // Slots are v, then the mean if centred, then the velocity if there is momentum.
    MemorySegment bs = mean ? s2 : s1;
    long bAt = mean ? s2At : s1At;
    DoubleVector alpha = splat(c.own[RmsProp.ALPHA]);
    DoubleVector intake = splat(c.own[RmsProp.ONE_MINUS_ALPHA]);
    DoubleVector rate = splat(-c.own[RmsProp.RATE]);
    DoubleVector epsilon = splat(c.own[RmsProp.EPSILON]);
    DoubleVector mu = splat(c.own[RmsProp.MOMENTUM]);
    DoubleVector zero = LanesF64.zero();
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
      DoubleVector v = StepLanesF64.stored(fma(load(vs, vAt + o), alpha, g.mul(intake).mul(g)));
      store(v, vs, vAt + o);
      if (mean) {
        DoubleVector a = StepLanesF64.stored(fma(load(s1, s1At + o), alpha, g.mul(intake)));
        store(a, s1, s1At + o);
        // Rounding can make the difference negative; exact arithmetic cannot.
        v = v.sub(a.mul(a));
        v = v.blend(zero, v.compare(VectorOperators.LT, zero));
      }
      DoubleVector root = v.sqrt().add(epsilon);
      if (heavy) {
        DoubleVector b = StepLanesF64.stored(fma(load(bs, bAt + o), mu, g.div(root)));
        store(b, bs, bAt + o);
        p = fma(b, rate, p.mul(shrink));
      } else {
        p = fma(g, rate.div(root), p.mul(shrink));
      }
      if (sparse) {
        p = StepLanesF64.softThreshold(p, l1.div(root));
      }
      store(p, ps, pAt + o);
    }
  }
}
