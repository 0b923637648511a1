package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link RmsProp} in one pass: 20 bytes per F32 parameter, and 8 more for each of centring and
 * momentum.
 */
final class RmsPropStepF32 extends FusedStep {
  private final boolean centered;
  private final boolean momentum;

  RmsPropStepF32(RmsProp rule, WorkerPool pool, PaddedBuffers padded) {
    super(LanesF32.COUNT, LanesF32.BYTES, pool, padded);
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
    FloatVector alpha = splat(c.own[RmsProp.ALPHA]);
    FloatVector intake = splat(c.own[RmsProp.ONE_MINUS_ALPHA]);
    FloatVector rate = splat(-c.own[RmsProp.RATE]);
    FloatVector epsilon = splat(c.own[RmsProp.EPSILON]);
    FloatVector mu = splat(c.own[RmsProp.MOMENTUM]);
    FloatVector zero = LanesF32.zero();
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
      FloatVector v = StepLanesF32.stored(fma(load(vs, vAt + o), alpha, g.mul(intake).mul(g)));
      store(v, vs, vAt + o);
      if (mean) {
        FloatVector a = StepLanesF32.stored(fma(load(s1, s1At + o), alpha, g.mul(intake)));
        store(a, s1, s1At + o);
        // Rounding can make the difference negative; exact arithmetic cannot.
        v = v.sub(a.mul(a));
        v = v.blend(zero, v.compare(VectorOperators.LT, zero));
      }
      FloatVector root = v.sqrt().add(epsilon);
      if (heavy) {
        FloatVector b = StepLanesF32.stored(fma(load(bs, bAt + o), mu, g.div(root)));
        store(b, bs, bAt + o);
        p = fma(b, rate, p.mul(shrink));
      } else {
        p = fma(g, rate.div(root), p.mul(shrink));
      }
      if (sparse) {
        p = StepLanesF32.softThreshold(p, l1.div(root));
      }
      store(p, ps, pAt + o);
    }
  }
}
